/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock.c - one daemon for one store.
 *
 * SQLite itself would let two daemons take turns; each would think that the other's rows in hand are its own.
 * So the writer keeps a lock file beside the database, locked with flock for as long as it lives, with its
 * pid inside for the message that the second one prints. The file stays: deleting it would let a third one
 * lock a file that is no longer there.
 */
#include "config.h"
#include "store/sqlite/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int
refuse(const char *path, int fd, struct cs_err *err)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		cs_err_set(err, CS_EBUSY, "the store %s is held by another csrelayd, pid %ld", path, pid);
	else
		cs_err_set(err, CS_EBUSY, "the store %s is held by another process", path);
	cs_err_hint(err, "stop that one first, or give this one a store of its own");
	return CS_EBUSY;
}

int
sq_lock(const char *path, int *out, struct cs_err *err)
{
	CS_CLEANUP(cs_freep) char *lock = cs_xasprintf("%s.lock", path);
	int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), rc;

	if (fd < 0) {
		cs_err_set(err, CS_EIO, "could not open %s: %s", lock, strerror(errno));
		cs_err_hint(err, "the folder of store.path must be there and be csrelayd's to write");
		return CS_EIO;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		rc = errno == EWOULDBLOCK
			 ? refuse(path, fd, err)
			 : cs_err_set(err, CS_EIO, "could not lock %s: %s", lock, strerror(errno));
		close(fd);
		return rc;
	}
	/* Without room for the pid the lock holds all the same; only the message of a second daemon is
	 * poorer. */
	if (ftruncate(fd, 0) == 0)
		(void)!dprintf(fd, "%ld\n", (long)getpid());
	*out = fd;
	return 0;
}

void
sq_unlock(int fd)
{
	if (fd < 0)
		return;
	(void)!ftruncate(fd, 0);
	close(fd);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* no_entry.c - a library, but not a plugin. Must be refused. */
int no_entry_of_ours(void);
int
no_entry_of_ours(void)
{
	return 1;
}

# SPDX-License-Identifier: Apache-2.0
# install.sh - sourced by tests: install into $dest and speak of nothing but what is there.
# Sets prefix, PKG_CONFIG and PKG_CONFIG_PATH; the build folder is the working folder.
dest=$(mktemp -d) || exit 1
trap 'rm -rf "$dest"' EXIT
make -s install DESTDIR="$dest" >"$dest/install.log" 2>&1 || { tail -20 "$dest/install.log"; exit 1; }
prefix=$dest$(sed -n 's/^prefix = //p' Makefile)
PKG_CONFIG="pkg-config --define-variable=prefix=$prefix"
PKG_CONFIG_PATH=$(dirname "$(find "$dest" -name csrelay-sdk.pc)")
export PKG_CONFIG PKG_CONFIG_PATH
unset MAKEFLAGS MFLAGS MAKELEVEL

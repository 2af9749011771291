dnl SPDX-License-Identifier: Apache-2.0
dnl CS_COMPILER_FLAGS - warnings, hardening, sanitizers and optimization across files, each only where the compiler knows it.
AC_DEFUN([CS_TRY_CFLAG], [
	AC_MSG_CHECKING([whether $CC takes $1])
	cs_saved_CFLAGS="$CFLAGS"
	CFLAGS="$CFLAGS -Werror $1"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes]); CS_CFLAGS="$CS_CFLAGS $1"], [AC_MSG_RESULT([no])])
	CFLAGS="$cs_saved_CFLAGS"
])
AC_DEFUN([CS_COMPILER_FLAGS], [
	CS_CFLAGS="-std=gnu11"
	m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
		-Wwrite-strings -Wundef -Wformat=2 -Wvla -fno-strict-aliasing -fno-common
		-fstack-protector-strong -fstack-clash-protection -fcf-protection], [CS_TRY_CFLAG(flag)])
	AS_IF([test "x$with_sanitizer" != xno], [
		CS_CFLAGS="$CS_CFLAGS -fsanitize=$with_sanitizer -fno-omit-frame-pointer -fno-sanitize-recover=all"
		AC_DEFINE([CS_SANITIZED], [1], [built with a sanitizer])
	], [
		CS_CFLAGS="$CS_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"
		CS_LDFLAGS="-Wl,-z,relro -Wl,-z,now"
	])
	AS_IF([test "x$enable_lto" = xyes], [
		cs_without="$CS_CFLAGS"
		CS_TRY_CFLAG([-flto=auto])
		AS_IF([test "x$CS_CFLAGS" = "x$cs_without"], [CS_TRY_CFLAG([-flto])])
		AS_IF([test "x$CS_CFLAGS" = "x$cs_without"], [AC_MSG_ERROR([--enable-lto: $CC cannot optimize across files])])
	])
	AM_CONDITIONAL([SANITIZED], [test "x$with_sanitizer" != xno])
	AS_IF([test "x$enable_werror" = xyes], [CS_CFLAGS="$CS_CFLAGS -Werror"])
	AC_SUBST([CS_CFLAGS])
	AC_SUBST([CS_LDFLAGS])
])

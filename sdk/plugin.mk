# SPDX-License-Identifier: Apache-2.0
# plugin.mk - builds, checks and installs a csrelay plugin with nothing but the installed sdk.
#
#   NAME = acme
#   SOURCES = acme.c map.c push.c
#   include $(shell pkg-config --variable=makefile csrelay-sdk)
#
# HELPERS = no leaves out <cs/helpers.h> and json-c. LIBS adds libraries. The targets: all, check, install, clean.
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g -Wall -Wextra
HELPERS ?= yes
INSTALL ?= install

sdk = $(shell $(PKG_CONFIG) --variable=$(1) csrelay-sdk)
ifeq ($(call sdk,sdkdir),)
$(error csrelay-sdk is not installed, or PKG_CONFIG_PATH does not lead to csrelay-sdk.pc)
endif

ifeq ($(HELPERS),yes)
helper_sources := $(wildcard $(call sdk,helpersdir)/*.c)
modules := csrelay-sdk json-c
else
helper_sources :=
modules := csrelay-sdk
endif
objects := $(SOURCES:.c=.o) $(patsubst %.c,helper-%.o,$(notdir $(helper_sources)))

plugin_cflags := $(shell $(PKG_CONFIG) --cflags $(modules)) -std=gnu11 -fPIC -fvisibility=hidden
plugin_libs := $(shell $(PKG_CONFIG) --libs $(modules)) $(LIBS)
plugin_ldflags := -shared -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,--version-script=$(call sdk,symfile)

.PHONY: all check install clean
all: $(NAME).so

$(NAME).so: $(objects)
	$(CC) $(CFLAGS) $(LDFLAGS) $(plugin_ldflags) -o $@ $^ $(plugin_libs)

%.o: %.c $(wildcard *.h)
	$(CC) $(CPPFLAGS) $(plugin_cflags) $(CFLAGS) -c -o $@ $<

helper-%.o: $(call sdk,helpersdir)/%.c
	$(CC) $(CPPFLAGS) $(plugin_cflags) $(CFLAGS) -c -o $@ $<

check: all
	$(call sdk,checker) ./$(NAME).so conversations

install: all
	$(INSTALL) -d $(DESTDIR)$(call sdk,plugindir)
	$(INSTALL) -m 644 $(NAME).so $(NAME).json $(DESTDIR)$(call sdk,plugindir)/

clean:
	rm -f $(NAME).so $(objects)

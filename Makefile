# SPDX-License-Identifier: GPL-2.0-or-later
#
# The front door; "make help" tells what there is.

VERSION := $(shell sed -n 's/^\#define GOMEM_VERSION "\(.*\)"/\1/p' include/gomem.h)

PREFIX ?= /usr/local
KERNEL ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KERNEL)/build
# Names the directory that this kernel's module is built in
KNAME ?= $(KERNEL)
KBUILD_DIR := $(CURDIR)/build/kmod-$(KNAME)

all: gomemctl module-if-possible

help:
	@echo 'make               gomemctl, and gomem.ko for this kernel where its headers are there'
	@echo 'make demo          the main job in a virtual machine; sets up what it needs'
	@echo 'make check         all tests and lint; sets up what it needs'
	@echo 'make check-kernels what runs in virtual machines, on every kernel, and the mm selftests'
	@echo 'make check-go      every Go, built in every way, and Debian'"'"'s Go servers'
	@echo 'make check-debug   the tests of the module on a kernel that checks itself; hours without KVM'
	@echo 'make fuzz          hostile input for every parser, 10 minutes each; FUZZ_SECONDS=N'
	@echo 'make bench         what the module costs, beside its peers; KERNELS="6.1 6.12": on these'
	@echo 'make bench-refs    the part of it that says what following references costs'
	@echo 'make bench-report  the part of it that says what a report of a Go program costs'
	@echo 'make install       gomemctl and its manual under PREFIX ($(PREFIX)), and the module,'
	@echo '                   by DKMS where that is there; DESTDIR for packagers'
	@echo 'make uninstall     undoes it'
	@echo 'make clean'
	@echo
	@echo 'make gomemctl      the tool; SAN=1: with sanitizers, as build/san/gomemctl'
	@echo 'make module        build/kmod-KNAME/gomem.ko; KDIR=... the headers, KNAME=... a name'
	@echo 'make lint          what check has of it'
	@echo 'make layouts       userland/go/layout_table.c anew, from the Go toolchains; GO=go1.99:'
	@echo '                   what that go command lays out beside what the table has'
	@echo 'make format        clang-format over all C files'

# -- gomemctl ---------------------------------------------------------------------

LIBRARIES := libdw:libdw-dev libelf:libelf-dev smartcols:libsmartcols-dev \
	json-c:libjson-c-dev sqlite3:libsqlite3-dev libzstd:libzstd-dev \
	zlib:zlib1g-dev
MODULES := $(foreach l,$(LIBRARIES),$(firstword $(subst :, ,$l)))

ifdef SAN
BUILD ?= build/san
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifdef FUZZ
BUILD ?= build/fuzz
CC := clang
SANITIZE := -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
else
BUILD ?= build/user
endif

CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 -Wall -Wextra -Werror -Iuserland -Iinclude \
	$(shell pkg-config --cflags $(MODULES)) $(SANITIZE) $(CFLAGS)
LIBS = $(shell pkg-config --libs $(MODULES))

SOURCES := $(wildcard userland/*.c userland/*/*.c)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
ROOMS := $(filter-out $(BUILD)/userland/gomemctl.o,$(OBJECTS))
HOST_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/host/test_*.c))

gomemctl: $(BUILD)/gomemctl
	ln -sf $< $@

$(BUILD)/gomemctl: $(OBJECTS)
	$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(ROOMS)
	$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c | libraries
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

libraries:
	@command -v pkg-config >/dev/null || { \
		echo 'gomem: pkg-config is missing: apt-get install pkgconf' >&2; exit 1; }
	@for l in $(LIBRARIES); do pkg-config --exists $${l%:*} || { \
		echo "gomem: $${l%:*} is missing: apt-get install $${l#*:}" >&2; exit 1; }; done

host-tests: $(HOST_TESTS)

# libFuzzer's: clang's objects, of which each harness is one that has main()
FUZZ_SHARED := $(BUILD)/tests/fuzz/fuzz.o $(BUILD)/tests/fuzz/program.o \
	$(BUILD)/tests/fuzz/process.o
FUZZ_PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))

$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(FUZZ_SHARED) $(ROOMS)
	$(CC) $(SANITIZE) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(LIBS)

fuzz-programs: $(FUZZ_PROGRAMS)

# The tests that run as root in the virtual machine: static, they bring all they need
KSELFTEST_SOURCES := $(wildcard tests/kselftest/*.c)
KSELFTESTS := $(patsubst tests/%.c,build/%,$(filter tests/kselftest/test_%,$(KSELFTEST_SOURCES)))
KSELFTEST_SHARED := $(filter-out tests/kselftest/test_%,$(KSELFTEST_SOURCES))

kselftests: $(KSELFTESTS)

build/kselftest/%: tests/kselftest/%.c $(KSELFTEST_SHARED) $(wildcard tests/kselftest/*.h) \
		include/gomem.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -Wall -Wextra -Werror -Iinclude $(CFLAGS) -static -pthread \
		-o $@ $(filter %.c,$^)

# What is measured in the virtual machine: user stacks are told by frame pointers
BENCH_SOURCES := $(wildcard tests/bench/*.c) $(addprefix tests/kselftest/,lib.c target.c verbs.c)

bench-program: build/bench/bench

build/bench/bench: $(BENCH_SOURCES) $(wildcard tests/bench/*.h tests/kselftest/*.h) Makefile
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -Wall -Wextra -Werror -Iinclude -Itests/kselftest $(CFLAGS) \
		-fno-omit-frame-pointer -fno-optimize-sibling-calls -static -o $@ $(filter %.c,$^)

# What a report is measured against, on this machine
bench-bare: $(BUILD)/tests/bench/report/bare
bench-copy: $(BUILD)/tests/bench/refs/copy

$(BUILD)/tests/bench/refs/copy: $(BUILD)/tests/bench/refs/copy.o $(ROOMS)
	$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/bench/report/bare: $(BUILD)/tests/bench/report/bare.o $(ROOMS)
	$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LIBS)

-include $(OBJECTS:.o=.d) $(wildcard $(BUILD)/tests/*/*.d $(BUILD)/tests/*/*/*.d)
.SECONDARY: $(HOST_TESTS:=.o) $(FUZZ_PROGRAMS:=.o) $(FUZZ_SHARED)

# -- gomem.ko ---------------------------------------------------------------------

# Kbuild writes beside the sources: give each kernel a tree of links to them
module:
	@[ -e $(KDIR)/Makefile ] || { echo "gomem: no headers of kernel $(KERNEL) in $(KDIR):" \
		"apt-get install linux-headers-$(KERNEL), or give KDIR=..." >&2; exit 1; }
	@mkdir -p $(KBUILD_DIR)
	@cp -rsf $(CURDIR)/Kbuild $(CURDIR)/kmod $(CURDIR)/include $(KBUILD_DIR)
	$(MAKE) -C $(KDIR) M=$(KBUILD_DIR) $(KFLAGS) modules

module-if-possible:
ifneq ($(wildcard $(KDIR)/Makefile),)
	$(MAKE) module
	ln -sf $(KBUILD_DIR)/gomem.ko gomem.ko
else
	@echo "gomem: no headers of kernel $(KERNEL), so no module: apt-get install linux-headers-$(KERNEL)"
endif

# -- install ----------------------------------------------------------------------

BIN := $(DESTDIR)$(PREFIX)/bin
MAN := $(DESTDIR)$(PREFIX)/share/man
COMPLETION := $(DESTDIR)$(PREFIX)/share/bash-completion/completions/gomemctl
DKMS_SOURCE := $(DESTDIR)/usr/src/gomem-$(VERSION)
EXTRA := $(DESTDIR)/lib/modules/$(KERNEL)/extra
DKMS_REMOVE = if [ -d /var/lib/dkms/gomem/$(VERSION) ]; then \
	dkms remove gomem/$(VERSION) --all; fi
DEPMOD = if [ -d /lib/modules/$(KERNEL) ]; then /sbin/depmod $(KERNEL); fi

install: $(BUILD)/gomemctl
	install -D -m 755 $(BUILD)/gomemctl $(BIN)/gomemctl
	install -D -m 644 userland/man/gomemctl.8 $(MAN)/man8/gomemctl.8
	install -D -m 644 userland/man/gomem.4 $(MAN)/man4/gomem.4
	install -D -m 644 userland/completion/gomemctl $(COMPLETION)
	$(MAKE) install-module

NO_HEADERS = echo "gomem: no headers of kernel $(KERNEL), so it got no module:" \
	"apt-get install linux-headers-$(KERNEL), then make install"

# What dkms says of a kernel that dkms.conf leaves out
DKMS_LEFT_OUT = { [ $$? = 77 ] && echo "gomem: kernel $(KERNEL) is none that the module was" \
	"tested on, so it got no module; gomemctl works without"; }

install-module:
ifneq ($(shell command -v dkms 2>/dev/null),)
	$(if $(DESTDIR),,$(DKMS_REMOVE))
	install -d $(DKMS_SOURCE)
	cp -r Kbuild Makefile dkms.conf include kmod $(DKMS_SOURCE)
ifeq ($(DESTDIR),)
	dkms add gomem/$(VERSION)
ifneq ($(wildcard $(KDIR)/Makefile),)
	dkms install gomem/$(VERSION) -k $(KERNEL) --kernelsourcedir $(KDIR) || $(DKMS_LEFT_OUT)
else
	@$(NO_HEADERS)
endif
endif
else ifneq ($(wildcard $(KDIR)/Makefile),)
	$(MAKE) module
	install -D -m 644 $(KBUILD_DIR)/gomem.ko $(EXTRA)/gomem.ko
	$(if $(DESTDIR),,$(DEPMOD))
else
	@$(NO_HEADERS)
endif

uninstall:
	rm -f $(BIN)/gomemctl $(MAN)/man8/gomemctl.8 $(MAN)/man4/gomem.4 $(COMPLETION) \
		$(EXTRA)/gomem.ko
	$(if $(DESTDIR),,$(DKMS_REMOVE))
	rm -rf $(DKMS_SOURCE)
	$(if $(DESTDIR),,$(DEPMOD))

# -- the Go program of the demo ---------------------------------------------------

CACHE := $(or $(GOMEM_CACHE),$(HOME)/.cache/gomem)
GO_MINOR = $(lastword $(shell sed -n 's/^\([0-9.]*\)\t.*/\1/p' tests/vm/toolchains))

illness: build/go/illness/illness

# Its go.mod names the Go that builds it, so that the runtime's defaults are that Go's
build/go/illness/illness: tests/go/illness/main.go tests/vm/toolchains
	@mkdir -p $(@D)
	cp $< $(@D)
	printf 'module illness\n\ngo $(GO_MINOR)\n' >$(@D)/go.mod
	cd $(@D) && $(CACHE)/go/$(GO_MINOR)/bin/go build -o illness .

# -- demo, tests ------------------------------------------------------------------

demo:
	tests/vm/setup.sh demo
	tests/vm/demo.sh

lint:
	tests/vm/setup.sh
	tests/lint.sh

# Where each Go of tests/vm/toolchains keeps things, for programs without DWARF
layouts:
	$(if $(GO),,tests/vm/setup.sh)
	tests/go/layouts.sh $(if $(GO),$(shell command -v $(GO)))

format: .clang-format
	git ls-files -co --exclude-standard '*.[ch]' | xargs clang-format -i

.clang-format:
	tests/vm/setup.sh

check:
	tests/vm/setup.sh
	tests/check.sh

check-kernels:
	tests/vm/setup.sh kernels
	tests/check.sh kernels

check-go:
	tests/vm/setup.sh go
	tests/check.sh go

check-debug:
	tests/vm/setup.sh debug
	tests/check.sh debug

# Ten minutes of each parser, two at a time
fuzz: gomemctl
	tests/vm/setup.sh
	$(MAKE) FUZZ=1 fuzz-programs
	FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600) tests/fuzz/fuzz.sh

KERNELS ?= 6.1

bench:
	tests/vm/setup.sh bench
	tests/bench/bench.sh $(KERNELS)
	$(MAKE) bench-report bench-refs

# The Go side's part of it, which needs no virtual machine
bench-report: gomemctl bench-bare
	tests/bench/report/report.sh

# The memory that refs needs is that of the largest heap
bench-refs: gomemctl bench-copy
	tests/bench/refs/refs.sh

clean:
	rm -rf build gomemctl gomem.ko

.PHONY: all help layouts libraries host-tests kselftests bench-program bench-bare bench-report \
	bench-copy bench-refs \
	illness module module-if-possible install install-module uninstall demo lint format check \
	check-go check-kernels fuzz fuzz-programs check-debug bench clean

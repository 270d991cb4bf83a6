// SPDX-License-Identifier: GPL-2.0
/*
 * The promise of host.c, held against the CPU.
 *
 * The FPU registers of the thread are not looked at here: the kernel keeps them in memory
 * of its own while a guest's are in the CPU, and only the thread sees them come back. Tests
 * do that (vmx/host_test.c, vmx/guest_fuzz.c).
 */
#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>

#include "host_check.h"
#include "host_state.h"
#include "vm.h"
#include "vcpu.h"

static bool host_check;
module_param(host_check, bool, 0444);
MODULE_PARM_DESC(host_check, "compare the CPU's state after each exit with what it was, and end the VM if it differs (N)");

DEFINE_STATIC_KEY_FALSE(host_check_key);

enum {
#define HOST(name, when, value) WORD_##name,
#include "host_state.def"
#undef HOST
	NR_WORDS
};

static const struct {
	const char *name;
	enum host_check_when when;
} words[] = {
#define HOST(name, when, value) { #name, HOST_CHECK_##when },
#include "host_state.def"
#undef HOST
};

struct host_words {
	u64 word[NR_WORDS];
};

/* As they were before the entry, or the series of them, that this CPU is in. */
static DEFINE_PER_CPU(struct host_words, noted);

/* Those alone that are compared at that time: the others are not stable. */
static void read_words(struct host_words *now, enum host_check_when when)
{
#define HOST(name, when_, value) when == HOST_CHECK_##when_ ? (value) : 0,
	*now = (struct host_words) { {
#include "host_state.def"
	} };
#undef HOST
}

void host_check_note(enum host_check_when when)
{
	struct host_words now, *before = this_cpu_ptr(&noted);
	int i;

	read_words(&now, when);
	for (i = 0; i < NR_WORDS; i++)
		if (words[i].when == when)
			before->word[i] = now.word[i];
}

void host_check_compare(struct vcpu *vcpu, enum host_check_when when)
{
	const struct host_words *before = this_cpu_ptr(&noted);
	struct host_words now;
	int i;

	read_words(&now, when);
	for (i = 0; i < NR_WORDS; i++) {
		if (words[i].when != when || now.word[i] == before->word[i])
			continue;
		WARN(!vcpu->vm->dead, "minivmx: the host's %s was %#llx before a guest ran and is %#llx\n",
		     words[i].name, before->word[i], now.word[i]);
		vm_kill(vcpu->vm, "the host's state changed");
		return;
	}
}

void __init host_check_init(void)
{
	if (!host_check)
		return;
	static_branch_enable(&host_check_key);
	pr_info("the host's state is compared after each exit\n");
}

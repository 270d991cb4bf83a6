// SPDX-License-Identifier: GPL-2.0
/* Lab 4: sensitive instructions, emulated by the program. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "emulate.h"

#define VECTOR_GP	13

static int take_msrs(struct emulation *emulation, struct vcpu *vcpu)
{
	struct minivmx_msr_route route = {
		.first = emulation->msr_first,
		.last = emulation->msr_first + emulation->nr_msrs - 1,
		.access = MINIVMX_MSR_READ | MINIVMX_MSR_WRITE,
		.route = MINIVMX_ROUTE_USER,
	};

	if (!emulation->nr_msrs)
		return 0;
	return ioctl(vcpu->fd, MINIVMX_SET_MSR_ROUTE, &route) < 0 ? -errno : 0;
}

static int set_bits(struct vcpu *vcpu, uint32_t encoding, uint64_t bits)
{
	struct vmcs_value value = { .encoding = encoding };
	int ret = vmcs_read(vcpu, encoding, &value.value);

	value.value |= bits;
	return ret ? ret : vmcs_write(vcpu, &value, 1, NULL);
}

int emulate_start(struct emulation *emulation, struct vcpu *vcpu)
{
	static const uint32_t reasons[] = {
		REASON_CPUID, REASON_INVLPG, REASON_VMCALL, REASON_CR_ACCESS,
	};
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		struct minivmx_route route = {
			.reason = reasons[i], .route = MINIVMX_ROUTE_USER,
		};

		if (ioctl(vcpu->fd, MINIVMX_SET_ROUTE, &route) < 0)
			return -errno;
	}
	ret = take_msrs(emulation, vcpu);
	/* CPUID and VMCALL always exit, these do not. */
	if (!ret)
		ret = set_bits(vcpu, CPU_BASED_CONTROLS, CPU_INVLPG_EXITING);
	if (!ret)
		ret = set_bits(vcpu, CR4_GUEST_HOST_MASK, emulation->cr4_hidden);
	return ret;
}

/* A handler: the instruction is done and to be skipped, or an event is injected instead. */
typedef bool (*handler)(struct emulation *emulation, struct vcpu *vcpu);

static bool on_cpuid(struct emulation *emulation, struct vcpu *vcpu)
{
	static const struct cpuid_answer none;
	struct minivmx_regs *regs = &vcpu->run->regs;
	const struct cpuid_answer *answer = &none;
	unsigned int i;

	for (i = 0; i < emulation->nr_cpuid; i++)
		if (emulation->cpuid[i].leaf == (uint32_t)regs->rax)
			answer = &emulation->cpuid[i];
	regs->rax = answer->eax;
	regs->rbx = answer->ebx;
	regs->rcx = answer->ecx;
	regs->rdx = answer->edx;
	return true;
}

static bool inject_gp(struct vcpu *vcpu)
{
	vcpu->run->event = (struct minivmx_event) {
		.flags = MINIVMX_EVENT_VALID | MINIVMX_EVENT_ERROR,
		.type = MINIVMX_EVENT_EXCEPTION,
		.vector = VECTOR_GP,
	};
	return false;
}

static bool on_rdmsr(struct emulation *emulation, struct vcpu *vcpu)
{
	struct minivmx_regs *regs = &vcpu->run->regs;
	uint32_t number = (uint32_t)regs->rcx - emulation->msr_first;

	regs->rax = (uint32_t)emulation->msrs[number];
	regs->rdx = emulation->msrs[number] >> 32;
	return true;
}

static bool on_wrmsr(struct emulation *emulation, struct vcpu *vcpu)
{
	struct minivmx_regs *regs = &vcpu->run->regs;
	uint32_t number = (uint32_t)regs->rcx - emulation->msr_first;

	if (emulation->msr_read_only >> number & 1)
		return inject_gp(vcpu);
	emulation->msrs[number] = regs->rdx << 32 | (uint32_t)regs->rax;
	return true;
}

static bool on_vmcall(struct emulation *emulation, struct vcpu *vcpu)
{
	struct minivmx_regs *regs = &vcpu->run->regs;

	regs->rax = emulation->hypercall(emulation->arg, regs->rax, regs->rbx, regs->rcx);
	return true;
}

static bool on_invlpg(struct emulation *emulation, struct vcpu *vcpu)
{
	struct vmcs_value rip = { GUEST_RIP, vcpu->run->regs.rip };

	emulation->invlpgs++;
	emulation->invlpg_address = vcpu->run->exit.qualification;
	/* What the CPU would have done: each write of the VMCS drops the vCPU's translations. */
	vmcs_write(vcpu, &rip, 1, NULL);
	return true;
}

/* "Exit Qualification for Control-Register Accesses" */
static bool is_mov_to_cr4(const struct vcpu *vcpu)
{
	return (vcpu->run->exit.qualification & 0x3f) == 4;
}

#define CR4_HOST	(1UL << 6 | 1UL << 13)	/* MCE and VMXE, as lab 2 has it */

static bool on_mov_to_cr4(struct emulation *emulation, struct vcpu *vcpu)
{
	/* The registers are in the order of their numbers. */
	const __u64 *registers = &vcpu->run->regs.rax;
	uint64_t value = registers[vcpu->run->exit.qualification >> 8 & 0xf];
	struct vmcs_value values[] = {
		{ GUEST_CR4, (value & ~emulation->cr4_hidden) | CR4_HOST },
		{ CR4_READ_SHADOW, value },
	};

	if (vmcs_write(vcpu, values, 2, NULL))
		return inject_gp(vcpu);
	return true;
}

static handler find_handler(const struct vcpu *vcpu)
{
	static const handler handlers[MINIVMX_NR_EXITS] = {
		[REASON_CPUID] = on_cpuid,
		[REASON_INVLPG] = on_invlpg,
		[REASON_VMCALL] = on_vmcall,
		[REASON_CR_ACCESS] = on_mov_to_cr4,
		[REASON_RDMSR] = on_rdmsr,
		[REASON_WRMSR] = on_wrmsr,
	};
	uint32_t reason = vcpu->run->exit.reason;

	if (reason >= MINIVMX_NR_EXITS || (reason == REASON_CR_ACCESS && !is_mov_to_cr4(vcpu)))
		return NULL;
	return handlers[reason];
}

int emulate_run(struct emulation *emulation, struct vcpu *vcpu)
{
	for (;;) {
		int ret = vcpu_run(vcpu);
		handler handle;

		if (ret != MINIVMX_EXIT_VMX)
			return ret;
		handle = find_handler(vcpu);
		if (!handle)
			return ret;
		/* With an exception RIP stays at the instruction. */
		vcpu->run->action = handle(emulation, vcpu) ? MINIVMX_SKIP : MINIVMX_RETRY;
	}
}

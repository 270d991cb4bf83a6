// SPDX-License-Identifier: GPL-2.0
/* KVM's paravirtual clock: see pvclock.h. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <asm/msr.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>
#include <uapi/asm/kvm_para.h>

#include "gmem.h"
#include "pvclock.h"
#include "vcpu.h"
#include "vm.h"
#include "vmcs.h"

bool pvclock_supported(void)
{
	return !check_tsc_unstable();
}

u64 pvclock_read(const struct vcpu *vcpu, u32 index)
{
	return index == MSR_KVM_SYSTEM_TIME_NEW ? vcpu->clock.time : vcpu->clock.wall;
}

int pvclock_write(struct vcpu *vcpu, u32 index, u64 value)
{
	struct pvclock *clock = &vcpu->clock;

	/* Addresses are multiples of four. */
	if (value & (index == MSR_KVM_SYSTEM_TIME_NEW ? 2 : 3))
		return -EINVAL;
	if (index == MSR_KVM_SYSTEM_TIME_NEW) {
		clock->time = value;
		pvclock_tsc_moved(vcpu);
	} else {
		clock->wall = value;
		clock->wall_due = true;
		vcpu_request(vcpu, REQ_PVCLOCK);
	}
	return 0;
}

void pvclock_tsc_moved(struct vcpu *vcpu)
{
	if (!(vcpu->clock.time & KVM_MSR_ENABLED))
		return;
	vcpu->clock.tsc_offset = vmread(VMCS_TSC_OFFSET);
	vcpu->clock.time_due = true;
	vcpu_request(vcpu, REQ_PVCLOCK);
}

/*
 * A record begins with its version, which is odd while it is being written. What was
 * there before is the guest's, and says where to go on from.
 */
static void write_record(struct vm *vm, u64 gpa, void *record, size_t size)
{
	u32 *version = record;

	if (gmem_read(vm, gpa, version, sizeof(*version)))
		return;
	*version = (*version + 1) | 1;
	/* Each of these is seen before the next, by the semaphore inside. */
	gmem_write(vm, gpa, version, sizeof(*version));
	gmem_write(vm, gpa, record, size);
	++*version;
	gmem_write(vm, gpa, version, sizeof(*version));
}

/* nanoseconds = ((ticks << shift) * mul) >> 32, to 31 significant bits at least. */
static void scale(struct pvclock_vcpu_time_info *info)
{
	u64 mul = div_u64((u64)NSEC_PER_MSEC << 43, tsc_khz);
	s8 shift = 32 - 43;

	for (; mul >> 32; mul >>= 1)
		shift++;
	info->tsc_to_system_mul = mul;
	info->tsc_shift = shift;
}

static void write_time(struct vcpu *vcpu)
{
	struct pvclock_vcpu_time_info info = {
		/* What this TSC was when the VM's, as it was at power-up, was zero. */
		.tsc_timestamp = vcpu->clock.tsc_offset - vcpu->vm->tsc_offset,
		.system_time = 0,
		.flags = PVCLOCK_TSC_STABLE_BIT,
	};

	scale(&info);
	write_record(vcpu->vm, vcpu->clock.time & ~(u64)KVM_MSR_ENABLED, &info, sizeof(info));
}

static void write_wall(struct vcpu *vcpu)
{
	struct pvclock_wall_clock wall = {};
	u64 ticks = rdtsc() + vcpu->vm->tsc_offset;
	u64 then = ktime_get_real_ns() - mul_u64_u64_div_u64(ticks, NSEC_PER_MSEC, tsc_khz);

	wall.sec = div_u64_rem(then, NSEC_PER_SEC, &wall.nsec);
	write_record(vcpu->vm, vcpu->clock.wall, &wall, sizeof(wall));
}

void pvclock_publish(struct vcpu *vcpu)
{
	struct pvclock *clock = &vcpu->clock;

	if (clock->time_due && (clock->time & KVM_MSR_ENABLED))
		write_time(vcpu);
	if (clock->wall_due && clock->wall)
		write_wall(vcpu);
	clock->time_due = false;
	clock->wall_due = false;
}

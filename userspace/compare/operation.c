// SPDX-License-Identifier: GPL-2.0
#include <sched.h>

#include "array.h"
#include "operation.h"

/* In guest.S. */
extern const uint8_t compare_cpuid[], compare_vmcall[], compare_rdmsr[], compare_wrmsr[],
	compare_cr_write[], compare_in[], compare_out[], compare_mmio_read[],
	compare_mmio_write[], compare_out_string[], compare_doorbell[], compare_fresh_page[],
	compare_nothing[], compare_sleep[], compare_spin[], compare_timer[], compare_ipi[],
	compare_end[];

#define EXITS(op_name, op_program, op_repeat, op_what)				\
	{ .name = op_name, .unit = "ticks", .what = op_what, .measure = measure_exits,	\
	  .program = op_program, .repeat = op_repeat, .min_cpus = 1 }
/* One of those above, when there is more of something else. */
#define AMONG(op_name, op_program, of, number, op_what)				\
	{ .name = op_name, .unit = "ticks", .what = op_what, .measure = measure_exits,	\
	  .program = op_program, .repeat = 32, .crowd.of = number, .min_cpus = 1 }

const struct operation operations[] = {
	EXITS("loop", compare_nothing, 32, "NOP: no exit, what a round of the loop costs"),
	{ .name = "ioctl", .unit = "ticks", .measure = measure_ioctl,
	  .what = "ioctl() of a VM with a number that it does not know", .min_cpus = 1 },
	EXITS("cpuid", compare_cpuid, 32, "CPUID leaf 0"),
	EXITS("vmcall", compare_vmcall, 32, "VMCALL with a number that is not known"),
	EXITS("rdmsr", compare_rdmsr, 32, "RDMSR of IA32_APIC_BASE"),
	EXITS("wrmsr", compare_wrmsr, 32, "WRMSR of IA32_TSC_ADJUST, its old value"),
	EXITS("cr_write", compare_cr_write, 32, "MOV to CR0 that changes NE"),
	EXITS("in", compare_in, 32, "IN of a byte, answered by the program"),
	EXITS("out", compare_out, 32, "OUT of a byte to the program"),
	EXITS("out_string", compare_out_string, 8, "REP OUTSB of 64 bytes to the program"),
	EXITS("mmio_read", compare_mmio_read, 32, "MOV from where no memory is, answered by the program"),
	EXITS("mmio_write", compare_mmio_write, 32, "MOV to where no memory is, to the program"),
	{ .name = "ept_fault_4k", .unit = "ticks", .measure = measure_exits,
	  .what = "first touch of a 4K page that the host has",
	  .program = compare_fresh_page, .repeat = 32, .step = 4096, .min_cpus = 1 },
	{ .name = "ept_fault_2m", .unit = "ticks", .measure = measure_exits,
	  .what = "first touch of a 2M page that the host has",
	  .program = compare_fresh_page, .repeat = 1, .step = 2 << 20, .min_cpus = 1 },
	AMONG("cpuid_8_vms", compare_cpuid, vms, 8, "CPUID, beside 7 VMs"),
	AMONG("cpuid_64_vms", compare_cpuid, vms, 64, "CPUID, beside 63 VMs"),
	AMONG("cpuid_8_vcpus", compare_cpuid, vcpus, 8, "CPUID, in a VM of 8 vCPUs"),
	AMONG("cpuid_64_vcpus", compare_cpuid, vcpus, 64, "CPUID, in a VM of 64 vCPUs"),
	AMONG("cpuid_8_ranges", compare_cpuid, ranges, 8, "CPUID, with 8 ranges of memory"),
	AMONG("cpuid_64_ranges", compare_cpuid, ranges, 64, "CPUID, with 64 ranges of memory"),
	AMONG("mmio_8_ranges", compare_mmio_write, ranges, 8, "mmio_write, with 8 ranges of memory"),
	AMONG("mmio_64_ranges", compare_mmio_write, ranges, 64, "mmio_write, with 64 ranges of memory"),
	{ .name = "ioeventfd_kick", .unit = "ticks", .measure = measure_doorbell,
	  .what = "MOV of two bytes to an ioeventfd",
	  .program = compare_doorbell, .repeat = 32, .min_cpus = 1 },
	{ .name = "hlt_wake", .unit = "ticks", .measure = measure_irqfd,
	  .what = "write() to an irqfd until the handler of a guest that slept, on one CPU",
	  .program = compare_sleep, .min_cpus = 1 },
	{ .name = "timer", .unit = "ticks", .measure = measure_timer,
	  .what = "TSC deadline until the handler of a guest that is awake",
	  .program = compare_timer, .repeat = 100000, .min_cpus = 1 },
	{ .name = "irqfd_inject", .unit = "ticks", .measure = measure_irqfd,
	  .what = "write() to an irqfd until the handler of a guest awake on another CPU",
	  .program = compare_spin, .min_cpus = 2 },
	{ .name = "ipi", .unit = "ticks", .measure = measure_ipi,
	  .what = "IPI until the handler of a CPU that is awake",
	  .program = compare_ipi, .min_cpus = 2 },
	{ .name = "vm_create_destroy", .unit = "ticks", .measure = measure_life,
	  .what = "open the device, create a VM and a vCPU, close all", .min_cpus = 1 },
	{ .name = "first_instruction", .unit = "ticks", .measure = measure_start,
	  .what = "open the device until a first OUT of a new guest comes out",
	  .program = compare_end, .min_cpus = 1 },
	{ .name = "memory_vm", .unit = "bytes", .measure = measure_vm_memory,
	  .what = "bytes of memory for a VM without vCPUs", .min_cpus = 1 },
	{ .name = "memory_vcpu", .unit = "bytes", .measure = measure_vcpu_memory,
	  .what = "bytes of memory for a vCPU", .min_cpus = 1 },
};

const size_t nr_operations = ARRAY_SIZE(operations);

void operation_stay_on(unsigned int cpu)
{
	cpu_set_t set;

	/* Where that cannot be, it is as the scheduler wants. */
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

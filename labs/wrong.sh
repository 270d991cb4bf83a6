# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Typical wrong solutions: the reference with one mistake each, and what its grader has to
# say of it. Sourced by labs/check.

# wrong LAB ITEM REASON FILE EDIT WHAT
#	ITEM	loses its points
#	REASON	an extended expression that its reason matches
#	EDIT	a sed -E script for the reference's FILE
#	WHAT	in words, what is wrong
table() {
	wrong 1 first-exit 'an access of kind 0x4 .* Permission denied' \
		vm.c 's/ \| MINIVMX_PROT_EXEC//' 'the memory may not be executed'
	wrong 1 first-exit 'the kernel counted 0 exits by HLT' \
		vm.c 's/ioctl\(vcpu->fd, MINIVMX_RUN\) < 0/pretend(vcpu)/
			s/^int vcpu_run\(.*/static int pretend(struct vcpu *vcpu)\n{\n\
				uint32_t *d = (uint32_t *)(vcpu->vm->mem + 0x800);\n\
				uint64_t p = (uint64_t)d[0] * d[1];\n\
				vcpu->run->kind = MINIVMX_EXIT_HLT;\n\
				vcpu->run->regs.rax = ((uint32_t)p + d[2]) ^ (uint32_t)(p >> 32);\n\
				return 0;\n}\n\n&/' 'it computes for the guest, and runs nothing'
	wrong 1 going-on 'with CS not 0' \
		vm.c 's/\(uint64_t\)cs << 4/0/' "CS's base is forgotten"
	wrong 1 interrupted 'MINIVMX_KICK interrupts: vcpu_run\(\) returned -EINVAL' \
		vm.c '/run->action = MINIVMX_RETRY/d' 'it skips again after an interruption'
	wrong 1 interrupted 'MINIVMX_EXIT_INTR.* MINIVMX_EXIT_HLT was due' \
		vm.c 's/if \(vcpu->run->kind != MINIVMX_EXIT_INTR\)//' 'an interruption is an exit'
	wrong 1 cleanup 'more mappings in /proc/self/maps' \
		vm.c '/munmap\(vcpu->run/d' 'the run page stays mapped'
	wrong 1 cleanup '1 more descriptors' \
		vm.c '/^close_system:/,/close/s/close\(vm->system\)//' 'the system stays open'

	wrong 2 fields 'PIN_BASED_CONTROLS.* it says 0x6824' \
		vmcs.c 's/fields\[arg.done\]/fields[0]/' 'the refusal is of the first row'
	wrong 2 real 'the guest reads 0x30 from CR0' \
		vmcs.c 's/\{ CR0_READ_SHADOW, cr0 \}/{ CR0_READ_SHADOW, (cr0) | CR0_NE }/' \
		'the read shadow shows CR0.NE'
	wrong 2 protected 'are the segments flat' \
		vmcs.c 's/FLAT\(0xc09b\)/FLAT(0x809b)/' 'CS is of 16 bits'
	wrong 2 long 'rule IA32E_|MINIVMX_EXIT_ENTRY_FAIL \(rule ' \
		vmcs.c 's/control->value \|= ENTRY_IA32E_GUEST/control->value |= 0/' '"IA-32e mode guest" is forgotten'
	wrong 2 all-modes 'MINIVMX_EXIT_ENTRY_FAIL \(rule ' \
		vmcs.c 's/control->value &= ~.*/;/' '"IA-32e mode guest" stays on'
	wrong 2 tables 'MINIVMX_EXIT_SHUTDOWN was due' \
		vmcs.c 's/i < vm->size \/ LARGE_PAGE/i < 512/' 'the tables map more than there is'
	wrong 2 verdict 'MINIVMX_EXIT|vmcs_verdict\(\)' \
		vmcs.c 's/rule.name, rule.field/rule.section, rule.field/' 'the verdict names no rule'

	wrong 3 demand 'fill\(\) was called for 0x4.*, which is no page' \
		pager.c 's/fill\(pager->arg, page,/fill(pager->arg, vcpu->run->memory.gpa,/' \
		'the page is said to be where the access was'
	wrong 3 demand 'touched, was filled 0 times' \
		pager.c 's/ept_protect\(pager->vm, page, PAGE, RWX\)/ept_protect(pager->vm, pager->gpa, pager->size, RWX)/' \
		'the first fault makes the whole range accessible'
	wrong 3 demand 'pager_run\(\) instead of that: vcpu_run\(\) returned -EINVAL|sum is' \
		pager.c 's/MINIVMX_RETRY/MINIVMX_SKIP/' 'the access that faulted is skipped'
	wrong 3 evict 'was filled 1 times, not 2' \
		pager.c '/^int pager_evict/,/^}/s/ept_protect\(.*\)/0/' 'a page that is evicted stays accessible'
	wrong 3 protection 'MINIVMX_EXIT_MEMORY was due' \
		pager.c 's/\.prot = prot/.prot = prot ? RWX : 0/' 'all rights or none'
	wrong 3 flags 'written since the last harvest, none' \
		pager.c '/\.flags = MINIVMX_HARVEST_CLEAR/d' 'the flags are not cleared'
	wrong 3 large 'and 4096 bytes, not 2097152' \
		pager.c 's/large \? MADV_HUGEPAGE : MADV_NOHUGEPAGE/MADV_NOHUGEPAGE/' 'no large pages'

	wrong 4 cpuid 'of a leaf that is not in the table answered' \
		emulate.c 's/\*answer = &none;/*answer = \&emulation->cpuid[1];/' \
		'a leaf that is not there answers like another'
	wrong 4 msr 'has left RAX' \
		emulate.c 's/= \(uint32_t\)emulation->msrs\[number\];/= emulation->msrs[number];/' \
		'RDMSR puts 64 bits into RAX'
	wrong 4 msr 'WRMSR of .* has left' \
		emulate.c 's/regs->rdx << 32 \| \(uint32_t\)regs->rax/regs->rdx << 32 | regs->rax/' \
		"WRMSR takes the upper half of RAX"
	wrong 4 gp 'the #GP is at RIP 0x20002' \
		emulate.c 's/\? MINIVMX_SKIP : MINIVMX_RETRY/? MINIVMX_SKIP : MINIVMX_SKIP/' \
		'a fault is behind its instruction'
	wrong 4 gp 'the error code is|MINIVMX_EXIT_ENTRY_FAIL' \
		emulate.c 's/MINIVMX_EVENT_VALID \| MINIVMX_EVENT_ERROR/MINIVMX_EVENT_VALID/' \
		'#GP has no error code'
	wrong 4 cr4 'MINIVMX_EXIT_HLT was due|and reads' \
		emulate.c 's/registers\[vcpu->run->exit.qualification >> 8 & 0xf\]/vcpu->run->regs.rax/' \
		'MOV to CR4 is always from RAX'
	wrong 4 cr4 "of the guest's own bits|and reads" \
		emulate.c '/GUEST_CR4, \(value/d; s/vmcs_write\(vcpu, values, 2,/vmcs_write(vcpu, values, 1,/' \
		'bits that are not hidden are not set either'
	wrong 4 invlpg 'INVLPG was executed . times, and invlpgs is 0' \
		emulate.c 's/CPU_INVLPG_EXITING\)/0)/' 'INVLPG does not exit'

	wrong 5 post 'interrupt . was of vector' \
		irq.c 's/word = 3; word >= 0; word--/word = 0; word < 4; word++/' 'low vectors come first'
	wrong 5 post 'interrupts were taken, not 6' \
		irq.c 's/run->request = .*/run->request = 0;/' 'no interrupt window is asked for'
	wrong 5 window 'interrupt 0 was of vector|returned -EBUSY' \
		irq.c 's/ && \(run->ready & MINIVMX_READY_IRQ\)/ \&\& !run->event.flags/' \
		'an interrupt is given before the guest can take it'
	wrong 5 halt '0 interrupts were taken, not 1' \
		irq.c 's/if \(!\(run->regs.rflags & RFLAGS_IF\)\)//' 'each HLT is an exit'
	wrong 5 kick 'it still ran after 1 s' \
		irq.c '/ioctl\(irqs->vcpu->fd, MINIVMX_KICK\)/d' 'nobody interrupts the guest for an interrupt'
	wrong 5 deadline 'it still ran after 1 s' \
		irq.c '/= SVR_ENABLED/d' 'the APIC is not enabled'

	wrong 6 bus 'REP OUTSB of .* came to the device as 1 writes' \
		bus.c 's/i < io->count/i < 1/' 'a string instruction is one access'
	wrong 6 bus 'without a device is to find ones' \
		bus.c 's/: UINT64_MAX/: 0/' 'where nothing is, a read finds zeros'
	wrong 6 bus 'returned 0, not -EEXIST' \
		bus.c 's/return -EEXIST/continue/' 'devices may overlap'
	wrong 6 uart 'a write to the divisor was sent|the divisor was written' \
		uart.c 's/uart->lcr & LCR_DLAB/0/' 'DLAB is not looked at'
	wrong 6 uart-irq 'IIR is 0x4 after the byte was read' \
		uart.c 's/uart->has_rx = false;(.*)$/;\1/' 'the byte stays after it was read'
	wrong 6 disk 'it still ran|other bytes' \
		disk.c '/irq_post\(disk->irqs/d' 'no interrupt when it is done'
	wrong 6 hostile 'signal 11|DISK_ERROR was due' \
		disk.c 's/disk->address >= disk->vm->size \|\| size > .*\)/0)/' "the guest's address is believed"
	wrong 6 hostile 'command 2 of 2 sectors from 63' \
		disk.c 's/disk->count > disk->capacity - disk->sector/disk->sector + disk->count > disk->capacity + 1/' \
		'one sector behind the end may be read'
	wrong 6 worker 'does the doorbell still return from RUN' \
		disk.c 's/\.address = disk->gpa \+ DISK_DOORBELL/.address = disk->gpa + 0x28/' \
		'the ioeventfd is elsewhere'

	wrong 7 refusals 'older than the 64-bit protocol' \
		linux.c 's/header->version < HAS_64 \|\|//' 'any version will do'
	wrong 7 refusals 'shorter than it says|ends before its setup' \
		linux.c 's/if \(boot->image_size <= setup .*/if (0)/' "the file's size is believed"
	wrong 7 entry 'MINIVMX_EXIT_HLT was due' \
		linux.c 's/setup_sects : 4\) \+ 1\)/setup_sects : 4) + 0)/' 'the boot sector is forgotten'
	wrong 7 entry 'RIP is .* and the 64-bit entry is' \
		linux.c 's/pref_address \+ ENTRY_64/pref_address/' 'the entry is that of 32 bits'
	wrong 7 entry 'MINIVMX_EXIT_SHUTDOWN.*HLT was due' \
		linux.c '/memcpy\(vm->mem \+ GDT/d' 'there is no GDT'
	wrong 7 parameters 'between 640K and 1M' \
		linux.c 's/add_memory\(&params, 0, LOW_END\)/add_memory(\&params, 0, HIGH_START)/' \
		'the hole is memory'
	wrong 7 initrd 'may not go beyond initrd_addr_max' \
		linux.c 's/header->initrd_addr_max \+ 1ULL/vm->size/' 'the RAM disk is at the end of memory'
	wrong 7 initrd 'to be where the kernel is' \
		linux.c 's/if \(start < kernel_end\)/if (start < HIGH_START)/' 'the RAM disk may be in the way'

	wrong 8 count 'exits by CPUID, not' \
		measure.c 's/after\[i\]\.count - before\[i\]\.count/after[i].count/' \
		'the exits of all runs are counted'
	wrong 8 count 'CPUID does not come to it' \
		measure.c 's/measured->user_exits = exits;/measured->user_exits = exits + measured->exits[10];/' \
		'each exit is said to come to the program'
	wrong 8 cost 'it was said to be' \
		measure.c 's/twice > once \? .* : 0/329/' 'a number from a table'
	wrong 8 kvm 'KVM_RUN returned for 0' \
		measure.c '/case KVM_EXIT_IO/,/break/s/exits\+\+;/;/' 'exits to the program are not counted on KVM'
}

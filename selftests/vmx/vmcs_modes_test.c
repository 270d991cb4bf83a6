// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU set up by hand: nothing but VMCS fields, written one after the other as
 * the manual lists them ("Guest-State Area"), in each of the four modes.
 */
#include "vmcs.h"

#define SEGMENT(name, selector, base, limit, access)	\
	{ GUEST_##name##_SELECTOR, selector },		\
	{ GUEST_##name##_BASE, base },			\
	{ GUEST_##name##_LIMIT, limit },		\
	{ GUEST_##name##_ACCESS, access }

#define DATA_SEGMENTS(selector, limit, access)		\
	SEGMENT(SS, selector, 0, limit, access),	\
	SEGMENT(DS, selector, 0, limit, access),	\
	SEGMENT(ES, selector, 0, limit, access),	\
	SEGMENT(FS, selector, 0, limit, access),	\
	SEGMENT(GS, selector, 0, limit, access)

/* CR0.NE and CR4.VMXE and MCE are what this CPU needs while a guest runs. */
#define NE	(1UL << 5)
#define CR4_HOST (CR4_VMXE | CR4_MCE)

static const struct field_value real_mode[] = {
	SEGMENT(CS, VM_CODE >> 4, VM_CODE, 0xffff, 0x9b),
	DATA_SEGMENTS(0, 0xffff, 0x93),
	SEGMENT(LDTR, 0, 0, 0xffff, 0x82),
	SEGMENT(TR, 0, 0, 0xffff, 0x8b),
	{ GUEST_CR0, CR0_ET | NE },
	{ GUEST_CR3, 0 },
	{ GUEST_CR4, CR4_HOST },
	{ GUEST_IA32_EFER, 0 },
	{ GUEST_RIP, 0 },
	{ GUEST_RSP, 0xfff0 },
	{ GUEST_RFLAGS, 2 },
};

#define FLAT_32								\
	SEGMENT(CS, 0x10, 0, 0xffffffff, 0xc09b),			\
	DATA_SEGMENTS(0x18, 0xffffffff, 0xc093),			\
	SEGMENT(LDTR, 0, 0, 0xffff, 0x82),				\
	SEGMENT(TR, 0x20, VM_TSS, 0x67, 0x8b),				\
	{ GUEST_RIP, VM_CODE },						\
	{ GUEST_RSP, VM_STACK },					\
	{ GUEST_RFLAGS, 2 }

static const struct field_value paged_mode[] = {
	FLAT_32,
	{ GUEST_CR0, CR0_PG | CR0_WP | NE | CR0_ET | CR0_PE },
	{ CR0_READ_SHADOW, CR0_PG | CR0_WP | CR0_ET | CR0_PE },
	{ GUEST_CR3, VM_PD32 },
	{ GUEST_CR4, CR4_PSE | CR4_HOST },
	{ CR4_READ_SHADOW, CR4_PSE },
	{ GUEST_IA32_EFER, 0 },
};

static const struct field_value pae_mode[] = {
	FLAT_32,
	{ GUEST_CR0, CR0_PG | CR0_WP | NE | CR0_ET | CR0_PE },
	{ CR0_READ_SHADOW, CR0_PG | CR0_WP | CR0_ET | CR0_PE },
	{ GUEST_CR3, VM_PAE_PDPT },
	{ GUEST_PDPTE0, VM_PD | PTE_P },
	{ GUEST_PDPTE1, (VM_PD + 0x1000) | PTE_P },
	{ GUEST_PDPTE2, (VM_PD + 0x2000) | PTE_P },
	{ GUEST_PDPTE3, (VM_PD + 0x3000) | PTE_P },
	{ GUEST_CR4, CR4_PAE | CR4_HOST },
	{ CR4_READ_SHADOW, CR4_PAE },
	{ GUEST_IA32_EFER, 0 },
};

static const struct field_value long_mode[] = {
	SEGMENT(CS, 0x10, 0, 0xffffffff, 0xa09b),
	DATA_SEGMENTS(0x18, 0xffffffff, 0xc093),
	SEGMENT(LDTR, 0, 0, 0xffff, 0x82),
	SEGMENT(TR, 0x20, VM_TSS, 0x67, 0x8b),
	{ GUEST_CR0, CR0_PG | CR0_WP | NE | CR0_ET | CR0_PE },
	{ CR0_READ_SHADOW, CR0_PG | CR0_WP | CR0_ET | CR0_PE },
	{ GUEST_CR3, VM_PML4 },
	{ GUEST_CR4, CR4_PAE | CR4_HOST },
	{ CR4_READ_SHADOW, CR4_PAE },
	{ GUEST_IA32_EFER, EFER_LME | EFER_LMA },
	{ GUEST_RIP, VM_CODE },
	{ GUEST_RSP, VM_STACK },
	{ GUEST_RFLAGS, 2 },
};

static void write_all(VM *self, const struct field_value *values, unsigned int nr)
{
	struct minivmx_vmcs_field fields[64] = { 0 };
	unsigned int i;

	vm_must(nr <= 64);
	for (i = 0; i < nr; i++) {
		fields[i].encoding = values[i].encoding;
		fields[i].value = values[i].value;
	}
	vm_must(!minivmx_set_vmcs(self->vcpu, fields, nr));
}

#define WRITE_ALL(self, values) write_all(self, values, sizeof(values) / sizeof(values[0]))

#define LOAD(self, code) memcpy(vm_at(self, VM_CODE), code, code##_end - code)

#define MARK	0x12345678

GUEST16(real_code, "mov %cs, %ax; movl (0x8000), %ebx; vmcall");

TEST_F(vm, real_mode)
{
	LOAD(self, real_code);
	*vm_u32(self, 0x8000) = MARK;
	WRITE_ALL(self, real_mode);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(VM_CODE >> 4, self->run->regs.rax);
	EXPECT_EQ(MARK, self->run->regs.rbx);
}

/* What it reads shows that its linear address was translated. */
GUEST32(paged_code, "mov PAGES32, %eax; mov %cr0, %ebx; mov %cr4, %ecx; vmcall");

TEST_F(vm, paged_32_bit_mode)
{
	LOAD(self, paged_code);
	vm_page_tables(self);
	*vm_pte32(self, VM_PAGES32) = VM_DATA | PTE_W | PTE_P;
	*vm_u32(self, VM_DATA) = MARK;
	WRITE_ALL(self, paged_mode);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(MARK, self->run->regs.rax);
	/* The guest sees what the read shadows say of the host's bits. */
	EXPECT_EQ(CR0_PG | CR0_WP | CR0_ET | CR0_PE, self->run->regs.rbx);
	EXPECT_EQ(CR4_PSE, self->run->regs.rcx);
}

GUEST32(pae_code, "mov PAGES, %eax; mov %cr4, %ecx; vmcall");

TEST_F(vm, pae_mode)
{
	LOAD(self, pae_code);
	vm_page_tables(self);
	*vm_pte(self, VM_PAGES) = VM_DATA | PTE_W | PTE_P;
	*vm_u32(self, VM_DATA) = MARK;
	WRITE_ALL(self, pae_mode);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(MARK, self->run->regs.rax);
	EXPECT_EQ(CR4_PAE, self->run->regs.rcx);
}

GUEST64(long_code, "mov PAGES, %eax; mov $0x1122334455667788, %rbx; mov %cr4, %rcx; vmcall");

/* The control "IA-32e mode guest" has to go with EFER.LMA. */
TEST_F(vm, long_mode)
{
	LOAD(self, long_code);
	vm_page_tables(self);
	*vm_pte(self, VM_PAGES) = VM_DATA | PTE_W | PTE_P;
	*vm_u32(self, VM_DATA) = MARK;
	WRITE_ALL(self, long_mode);
	ASSERT_EQ(MINIVMX_EXIT_ENTRY_FAIL, vm_run(self));
	EXPECT_EQ(33 | 1U << 31, self->run->exit.reason);

	vmcs_set_bits(self, VM_ENTRY_CONTROLS, ENTRY_IA32E_GUEST);
	ASSERT_EQ(MINIVMX_EXIT_HYPERCALL, vm_run(self));
	EXPECT_EQ(MARK, self->run->regs.rax);
	EXPECT_EQ(0x1122334455667788, self->run->regs.rbx);
	EXPECT_EQ(CR4_PAE, self->run->regs.rcx);
}

/* The other ways to the same state see it, too. */
TEST_F(vm, sregs_after_it)
{
	struct minivmx_sregs sregs;

	WRITE_ALL(self, long_mode);
	vmcs_set_bits(self, VM_ENTRY_CONTROLS, ENTRY_IA32E_GUEST);
	ASSERT_EQ(0, minivmx_get_sregs(self->vcpu, &sregs));
	EXPECT_EQ(CR0_PG | CR0_WP | CR0_ET | CR0_PE, sregs.cr0);
	EXPECT_EQ(CR4_PAE, sregs.cr4);
	EXPECT_EQ(EFER_LME | EFER_LMA, sregs.efer);
	EXPECT_EQ(VM_PML4, sregs.cr3);
	EXPECT_EQ(0xa09b, sregs.cs.access);
	EXPECT_EQ(VM_CODE, self->run->regs.rip);
	EXPECT_EQ(VM_STACK, self->run->regs.rsp);
	EXPECT_EQ(2, self->run->regs.rflags);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/* VMCS regions: allocation, names, and what a failed access means. */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>

#include "ctls.h"
#include "debugfs.h"
#include "hw.h"
#include "vcpu.h"
#include "vm.h"
#include "vmcs.h"

int vmcs_alloc(struct vmcs_region *vmcs)
{
	/* The region is at most 4096 bytes and page aligned (IA32_VMX_BASIC). */
	vmcs->region = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vmcs->region)
		return -ENOMEM;
	stat_inc(STAT_PAGES);
	*(u32 *)vmcs->region = vmx_ctls.revision;
	vmcs->pa = virt_to_phys(vmcs->region);
	vmcs->cpu = -1;
	vmcs->launched = false;
	INIT_LIST_HEAD(&vmcs->node);
	return 0;
}

/* The VMCS must be active nowhere: see hw_vmcs_release(). */
void vmcs_free(struct vmcs_region *vmcs)
{
	if (!vmcs->region)
		return;
	free_page((unsigned long)vmcs->region);
	vmcs->region = NULL;
	stat_dec(STAT_PAGES);
}

const char *vmcs_field_name(u32 encoding)
{
	static const struct {
		u32 encoding;
		const char *name;
	} names[] = {
#define FIELD(encoding, name, policy, meaning) { encoding, #name },
#include "fields.def"
#undef FIELD
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].encoding == encoding)
			return names[i].name;
	return "unknown";
}

const char *vmx_result_name(enum vmx_result result)
{
	switch (result) {
	case VMX_OK:
		return "success";
	case VMX_FAIL_INVALID:
		return "VMfailInvalid";
	case VMX_FAIL_VALID:
		return "VMfailValid";
	case VMX_FAULT:
		return "fault";
	}
	return "unknown";
}

static void access_failed(const char *insn, u32 field)
{
	struct vcpu *vcpu = hw_loaded_vcpu();

	pr_err_ratelimited("%s of field %s (%#x) failed on CPU %d\n", insn,
			   vmcs_field_name(field), field,
			   raw_smp_processor_id());
	if (vcpu)
		vm_kill(vcpu->vm, "a VMCS access failed");
}

void vmcs_read_failed(u64 field)
{
	access_failed("VMREAD", field);
}

void vmcs_write_failed(u64 field)
{
	access_failed("VMWRITE", field);
}

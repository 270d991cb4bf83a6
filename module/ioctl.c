// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls: each is one row of a table. The argument is copied in once, as
 * many bytes as the row's function knows; the function works on the copy, and
 * the copy goes back where the row says so.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/tsc.h>

#include "../uapi/minivmx.h"
#include "apic.h"
#include "cpuid.h"
#include "ctls.h"
#include "debugfs.h"
#include "dirty.h"
#include "fpu.h"
#include "hw.h"
#include "irqfd.h"
#include "ioctl.h"
#include "gmem.h"
#include "mitigate.h"
#include "ring.h"
#include "route.h"
#include "state.h"
#include "vcpu.h"
#include "vm.h"
#include "vmcs_user.h"

/* The largest argument of any row; they are copied to the stack. */
union ioctl_arg {
	struct minivmx_info info;
	struct minivmx_caps caps;
	struct minivmx_mitigations mitigations;
	struct minivmx_create_vm create_vm;
	struct minivmx_cpuid cpuid;
	struct minivmx_create_vcpu create_vcpu;
	struct minivmx_map map;
	struct minivmx_protect protect;
	struct minivmx_walk walk;
	struct minivmx_harvest harvest;
	struct minivmx_dirty_log dirty_log;
	struct minivmx_dirty_bitmap dirty_bitmap;
	struct minivmx_sregs sregs;
	struct minivmx_msrs msrs;
	struct minivmx_xsave xsave;
	struct minivmx_events events;
	struct minivmx_stats stats;
	struct minivmx_vmcs vmcs;
	struct minivmx_route route;
	struct minivmx_msr_route msr_route;
	struct minivmx_set_ring set_ring;
	struct minivmx_apic apic;
	struct minivmx_msi msi;
	struct minivmx_gsi_routes gsi_routes;
	struct minivmx_irqfd irqfd;
	struct minivmx_ioeventfd ioeventfd;
};

/**
 * struct ioctl_row - one ioctl
 * @cmd: its number, with direction and size as this module knows them
 * @size: bytes of the argument in this version
 * @min_size: bytes of the argument in its first version
 * @function: takes the object of the descriptor and the argument; >= 0 or -errno
 * @any_process: not only for the process whose VM it is
 */
struct ioctl_row {
	unsigned int cmd;
	u16 size;
	u16 min_size;
	long (*function)(void *object, union ioctl_arg *arg);
	bool any_process;
};

#define NR_ROWS 32
#define ROW(cmd, function, ...) \
	[_IOC_NR(cmd) % NR_ROWS] = { cmd, _IOC_SIZE(cmd), _IOC_SIZE(cmd), function, __VA_ARGS__ }

/*
 * Find the row of @cmd by its number alone: a program built with a newer
 * header has another size in it.
 */
static const struct ioctl_row *row_find(const struct ioctl_row rows[NR_ROWS],
					unsigned int cmd)
{
	const struct ioctl_row *row;
	unsigned int nr = _IOC_NR(cmd);

	if (_IOC_TYPE(cmd) != MINIVMX_IOC)
		return NULL;
	row = &rows[nr % NR_ROWS];
	if (!row->function || _IOC_NR(row->cmd) != nr || _IOC_DIR(cmd) != _IOC_DIR(row->cmd))
		return NULL;
	return row;
}

static int arg_in(const struct ioctl_row *row, union ioctl_arg *arg, unsigned int cmd,
		  void __user *user)
{
	unsigned int size = _IOC_SIZE(cmd);

	memset(arg, 0, sizeof(*arg));
	if (size < row->min_size)
		return -EINVAL;
	if (!(_IOC_DIR(cmd) & _IOC_WRITE))
		return 0;
	return copy_struct_from_user(arg, row->size, user, size);
}

static int arg_out(const struct ioctl_row *row, const union ioctl_arg *arg,
		   unsigned int cmd, void __user *user)
{
	unsigned int size = _IOC_SIZE(cmd);

	if (!(_IOC_DIR(cmd) & _IOC_READ))
		return 0;
	if (copy_to_user(user, arg, min_t(unsigned int, size, row->size)))
		return -EFAULT;
	/* A newer program's fields that this module does not know read as zero. */
	if (size > row->size && clear_user(user + row->size, size - row->size))
		return -EFAULT;
	return 0;
}

static long row_call(const struct ioctl_row *row, void *object, unsigned int cmd,
		     void __user *user)
{
	union ioctl_arg arg;
	long ret;
	int err;

	ret = arg_in(row, &arg, cmd, user);
	if (ret)
		return ret;
	ret = row->function(object, &arg);
	/* Counts such as minivmx_msrs.done are wanted after a failure, too. */
	err = arg_out(row, &arg, cmd, user);
	return ret < 0 ? ret : err ?: ret;
}

/* What every ioctl of a VM and its vCPUs asks first. */
static int vm_check(struct vm *vm, bool any_process)
{
	if (vm->mm != current->mm && !any_process)
		return -EXDEV;
	if (READ_ONCE(vm->dead))
		return -EIO;
	return 0;
}

/* ---------------------------------------------------------------------- */
/* A vCPU                                                                  */
/* ---------------------------------------------------------------------- */

static long vcpu_ioctl_run(void *object, union ioctl_arg *arg)
{
	return vcpu_run(object);
}

static long vcpu_ioctl_kick(void *object, union ioctl_arg *arg)
{
	vcpu_request(object, REQ_KICK);
	return 0;
}

static long vcpu_ioctl_get_sregs(void *object, union ioctl_arg *arg)
{
	return state_get_sregs(object, &arg->sregs);
}

static long vcpu_ioctl_set_sregs(void *object, union ioctl_arg *arg)
{
	return state_set_sregs(object, &arg->sregs);
}

static long vcpu_ioctl_get_msrs(void *object, union ioctl_arg *arg)
{
	return state_get_msrs(object, &arg->msrs);
}

static long vcpu_ioctl_set_msrs(void *object, union ioctl_arg *arg)
{
	return state_set_msrs(object, &arg->msrs);
}

static long cpuid_out(struct minivmx_cpuid *arg,
		      const struct minivmx_cpuid_entry *rows, unsigned int nr)
{
	unsigned int room = arg->nr;

	if (arg->reserved)
		return -EINVAL;
	arg->nr = nr;
	if (room < nr)
		return -ENOSPC;
	if (copy_to_user((void __user *)arg->entries, rows, nr * sizeof(*rows)))
		return -EFAULT;
	return 0;
}

static long vcpu_ioctl_get_cpuid(void *object, union ioctl_arg *arg)
{
	struct minivmx_cpuid_entry *rows;
	struct vcpu *vcpu = object;
	unsigned int nr;
	long ret;

	rows = kcalloc(MINIVMX_MAX_CPUID, sizeof(*rows), GFP_KERNEL);
	if (!rows)
		return -ENOMEM;
	ret = vcpu_lock(vcpu);
	if (!ret) {
		nr = vcpu->nr_cpuid;
		memcpy(rows, vcpu->cpuid, nr * sizeof(*rows));
		vcpu_unlock(vcpu);
		ret = cpuid_out(&arg->cpuid, rows, nr);
	}
	kfree(rows);
	return ret;
}

static long vcpu_ioctl_set_cpuid(void *object, union ioctl_arg *arg)
{
	struct vcpu *vcpu = object;
	struct minivmx_cpuid_entry *rows;
	unsigned int i;
	long ret = 0;

	if (arg->cpuid.reserved)
		return -EINVAL;
	if (arg->cpuid.nr > MINIVMX_MAX_CPUID)
		return -E2BIG;
	rows = memdup_user((void __user *)arg->cpuid.entries,
			   arg->cpuid.nr * sizeof(*rows));
	if (IS_ERR(rows))
		return PTR_ERR(rows);
	for (i = 0; i < arg->cpuid.nr && !ret; i++)
		if (rows[i].reserved || (rows[i].flags & ~MINIVMX_CPUID_SUBLEAF))
			ret = -EINVAL;
	if (!ret)
		ret = vcpu_lock(vcpu);
	if (!ret) {
		memcpy(vcpu->cpuid, rows, arg->cpuid.nr * sizeof(*rows));
		vcpu->nr_cpuid = arg->cpuid.nr;
		vcpu_unlock(vcpu);
	}
	kfree(rows);
	return ret;
}

static bool xsave_arg_valid(const struct minivmx_xsave *arg)
{
	return arg->size == fpu_size() && !arg->reserved;
}

static long vcpu_ioctl_get_xsave(void *object, union ioctl_arg *arg)
{
	void *area;
	long ret;

	if (!xsave_arg_valid(&arg->xsave))
		return -EINVAL;
	area = kvmalloc(fpu_size(), GFP_KERNEL);
	if (!area)
		return -ENOMEM;
	ret = vcpu_lock(object);
	if (!ret) {
		fpu_get(object, area);
		vcpu_unlock(object);
		if (copy_to_user((void __user *)arg->xsave.addr, area, fpu_size()))
			ret = -EFAULT;
	}
	kvfree(area);
	return ret;
}

static long vcpu_ioctl_set_xsave(void *object, union ioctl_arg *arg)
{
	void *area;
	long ret;

	if (!xsave_arg_valid(&arg->xsave))
		return -EINVAL;
	area = vmemdup_user((void __user *)arg->xsave.addr, fpu_size());
	if (IS_ERR(area))
		return PTR_ERR(area);
	ret = vcpu_lock(object);
	if (!ret) {
		ret = fpu_set(object, area);
		vcpu_unlock(object);
	}
	kvfree(area);
	return ret;
}

static long vcpu_ioctl_get_events(void *object, union ioctl_arg *arg)
{
	return state_get_events(object, &arg->events);
}

static long vcpu_ioctl_set_events(void *object, union ioctl_arg *arg)
{
	return state_set_events(object, &arg->events);
}

static long vcpu_ioctl_get_stats(void *object, union ioctl_arg *arg)
{
	struct minivmx_exit_stat *stats;
	struct vcpu *vcpu = object;
	size_t size;
	long ret;

	if (arg->stats.flags & ~MINIVMX_STATS_TICKS)
		return -EINVAL;
	if (arg->stats.nr > MINIVMX_NR_EXITS)
		return -E2BIG;
	size = arg->stats.nr * sizeof(*stats);
	stats = kmalloc(size, GFP_KERNEL);
	if (!stats)
		return -ENOMEM;
	ret = vcpu_lock(vcpu);
	if (!ret) {
		vcpu->stat_ticks = arg->stats.flags & MINIVMX_STATS_TICKS;
		vcpu_update_timed(vcpu);
		memcpy(stats, vcpu->stats, size);
		vcpu_unlock(vcpu);
		if (copy_to_user((void __user *)arg->stats.exits, stats, size))
			ret = -EFAULT;
	}
	kfree(stats);
	return ret;
}

static long vcpu_ioctl_get_vmcs(void *object, union ioctl_arg *arg)
{
	return vmcs_user_get(object, &arg->vmcs);
}

static long vcpu_ioctl_set_vmcs(void *object, union ioctl_arg *arg)
{
	return vmcs_user_set(object, &arg->vmcs);
}

static long vcpu_ioctl_set_route(void *object, union ioctl_arg *arg)
{
	return route_set(object, &arg->route);
}

static long vcpu_ioctl_set_msr_route(void *object, union ioctl_arg *arg)
{
	return route_set_msr(object, &arg->msr_route);
}

static long vcpu_ioctl_set_ring(void *object, union ioctl_arg *arg)
{
	return ring_set(object, &arg->set_ring);
}

static long vcpu_ioctl_get_apic(void *object, union ioctl_arg *arg)
{
	return apic_get(object, &arg->apic);
}

static long vcpu_ioctl_set_apic(void *object, union ioctl_arg *arg)
{
	return apic_set(object, &arg->apic);
}

static const struct ioctl_row vcpu_rows[NR_ROWS] = {
	ROW(MINIVMX_RUN, vcpu_ioctl_run),
	ROW(MINIVMX_KICK, vcpu_ioctl_kick),
	ROW(MINIVMX_GET_SREGS, vcpu_ioctl_get_sregs),
	ROW(MINIVMX_SET_SREGS, vcpu_ioctl_set_sregs),
	ROW(MINIVMX_GET_MSRS, vcpu_ioctl_get_msrs),
	ROW(MINIVMX_SET_MSRS, vcpu_ioctl_set_msrs),
	ROW(MINIVMX_GET_CPUID, vcpu_ioctl_get_cpuid),
	ROW(MINIVMX_SET_CPUID, vcpu_ioctl_set_cpuid),
	ROW(MINIVMX_GET_XSAVE, vcpu_ioctl_get_xsave),
	ROW(MINIVMX_SET_XSAVE, vcpu_ioctl_set_xsave),
	ROW(MINIVMX_GET_EVENTS, vcpu_ioctl_get_events),
	ROW(MINIVMX_SET_EVENTS, vcpu_ioctl_set_events),
	ROW(MINIVMX_GET_STATS, vcpu_ioctl_get_stats),
	ROW(MINIVMX_GET_VMCS, vcpu_ioctl_get_vmcs, .any_process = true),
	ROW(MINIVMX_SET_VMCS, vcpu_ioctl_set_vmcs, .any_process = true),
	ROW(MINIVMX_SET_ROUTE, vcpu_ioctl_set_route),
	ROW(MINIVMX_SET_MSR_ROUTE, vcpu_ioctl_set_msr_route),
	ROW(MINIVMX_SET_RING, vcpu_ioctl_set_ring, .any_process = true),
	ROW(MINIVMX_GET_APIC, vcpu_ioctl_get_apic),
	ROW(MINIVMX_SET_APIC, vcpu_ioctl_set_apic),
};

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vcpu *vcpu = file->private_data;
	const struct ioctl_row *row;
	long ret;

	/* No argument goes in or out of RUN, and this is the way of each exit. */
	if (likely(cmd == MINIVMX_RUN)) {
		ret = vm_check(vcpu->vm, false);
		return ret ?: vcpu_run(vcpu);
	}
	row = row_find(vcpu_rows, cmd);
	if (!row)
		return -ENOTTY;
	ret = vm_check(vcpu->vm, row->any_process);
	return ret ?: row_call(row, vcpu, cmd, (void __user *)arg);
}

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vcpu *vcpu = file->private_data;
	int ret;

	/* A private copy would be out of step at once. */
	if (vma->vm_pgoff > 1 || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff == MINIVMX_RING_OFFSET >> PAGE_SHIFT)
		return ring_mmap(vcpu, vma);
	if (vcpu->vm->mm != current->mm)
		return -EXDEV;
	if (vma_pages(vma) != 1)
		return -EINVAL;
	ret = vm_insert_page(vma, vma->vm_start, virt_to_page(vcpu->run));
	if (!ret)
		WRITE_ONCE(vcpu->run_mapped, true);
	return ret;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct vcpu *vcpu = file->private_data;

	vm_put(vcpu->vm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcpu_mmap,
	.release = vcpu_release,
	.llseek = noop_llseek,
};

/* ---------------------------------------------------------------------- */
/* A VM                                                                    */
/* ---------------------------------------------------------------------- */

static long vm_ioctl_create_vcpu(void *object, union ioctl_arg *arg)
{
	u32 id = arg->create_vcpu.id;
	struct vm *vm = object;
	struct vcpu *vcpu;
	struct file *file;
	int fd, ret;

	if (arg->create_vcpu.flags || id >= MINIVMX_MAX_VCPUS)
		return -EINVAL;
	/* Its holder may wait for the end of a suspend. */
	if (mutex_lock_interruptible(&vm->vcpu_mutex))
		return -ERESTARTSYS;
	if (vm->vcpus[id]) {
		ret = -EEXIST;
		goto unlock;
	}
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		ret = fd;
		goto unlock;
	}
	vcpu = vcpu_create(vm, id);
	if (IS_ERR(vcpu)) {
		ret = PTR_ERR(vcpu);
		goto put_fd;
	}
	file = anon_inode_getfile("minivmx-vcpu", &vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto free_vcpu;
	}
	vm_get(vm);
	/*
	 * Known to the VM before any thread can run it, or a flush could miss
	 * it. Pairs with the acquire loads in vm.c.
	 */
	smp_store_release(&vm->vcpus[id], vcpu);
	if (READ_ONCE(vm->dead))
		vcpu_request(vcpu, REQ_DEAD);
	stats_add_vcpu(vcpu);
	mutex_unlock(&vm->vcpu_mutex);
	fd_install(fd, file);
	return fd;

free_vcpu:
	vcpu_free(vcpu);
put_fd:
	put_unused_fd(fd);
unlock:
	mutex_unlock(&vm->vcpu_mutex);
	return ret;
}

static long vm_ioctl_map(void *object, union ioctl_arg *arg)
{
	return gmem_map(object, &arg->map);
}

static long vm_ioctl_unmap(void *object, union ioctl_arg *arg)
{
	return gmem_unmap(object, &arg->map);
}

static long vm_ioctl_protect(void *object, union ioctl_arg *arg)
{
	return gmem_protect(object, &arg->protect);
}

static long vm_ioctl_walk(void *object, union ioctl_arg *arg)
{
	return gmem_walk(object, &arg->walk);
}

static long vm_ioctl_harvest(void *object, union ioctl_arg *arg)
{
	return gmem_harvest(object, &arg->harvest);
}

static long vm_ioctl_dirty_log(void *object, union ioctl_arg *arg)
{
	return dirty_log(object, &arg->dirty_log);
}

static long vm_ioctl_get_dirty_log(void *object, union ioctl_arg *arg)
{
	return dirty_log_get(object, &arg->dirty_bitmap);
}

static long vm_ioctl_signal_msi(void *object, union ioctl_arg *arg)
{
	return apic_signal_msi(object, &arg->msi);
}

static long vm_ioctl_set_gsi_routes(void *object, union ioctl_arg *arg)
{
	return gsi_set_routes(object, &arg->gsi_routes);
}

static long vm_ioctl_irqfd(void *object, union ioctl_arg *arg)
{
	return irqfd_ioctl(object, &arg->irqfd);
}

static long vm_ioctl_ioeventfd(void *object, union ioctl_arg *arg)
{
	return ioeventfd_ioctl(object, &arg->ioeventfd);
}

static const struct ioctl_row vm_rows[NR_ROWS] = {
	ROW(MINIVMX_CREATE_VCPU, vm_ioctl_create_vcpu),
	ROW(MINIVMX_MAP_MEMORY, vm_ioctl_map),
	ROW(MINIVMX_UNMAP_MEMORY, vm_ioctl_unmap),
	ROW(MINIVMX_PROTECT_MEMORY, vm_ioctl_protect),
	ROW(MINIVMX_WALK_EPT, vm_ioctl_walk, .any_process = true),
	ROW(MINIVMX_HARVEST_PAGES, vm_ioctl_harvest),
	ROW(MINIVMX_DIRTY_LOG, vm_ioctl_dirty_log),
	ROW(MINIVMX_GET_DIRTY_LOG, vm_ioctl_get_dirty_log),
	ROW(MINIVMX_SIGNAL_MSI, vm_ioctl_signal_msi),
	ROW(MINIVMX_SET_GSI_ROUTES, vm_ioctl_set_gsi_routes),
	ROW(MINIVMX_IRQFD, vm_ioctl_irqfd),
	ROW(MINIVMX_IOEVENTFD, vm_ioctl_ioeventfd),
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct ioctl_row *row = row_find(vm_rows, cmd);
	struct vm *vm = file->private_data;
	long ret;

	if (!row)
		return -ENOTTY;
	ret = vm_check(vm, row->any_process);
	return ret ?: row_call(row, vm, cmd, (void __user *)arg);
}

static int vm_file_release(struct inode *inode, struct file *file)
{
	vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = vm_file_release,
	.llseek = noop_llseek,
};

/* ---------------------------------------------------------------------- */
/* The system                                                              */
/* ---------------------------------------------------------------------- */

static long system_ioctl_get_info(void *object, union ioctl_arg *arg)
{
	arg->info = (struct minivmx_info) {
		.api_version = MINIVMX_API_VERSION,
		.features = (vmx_ctls.ept_2m ? MINIVMX_FEAT_EPT_2M : 0) |
			    (vmx_ctls.ept_1g ? MINIVMX_FEAT_EPT_1G : 0) |
			    (vmx_ctls.ept_ad ? MINIVMX_FEAT_EPT_AD : 0) |
			    (vmx_ctls.ept_x_only ? MINIVMX_FEAT_EPT_X_ONLY : 0) |
			    (vmx_ctls.pml ? MINIVMX_FEAT_PML : 0) |
			    (fpu_xcr0_mask() ? MINIVMX_FEAT_XSAVE : 0),
		.run_size = PAGE_SIZE,
		.max_vcpus = MINIVMX_MAX_VCPUS,
		.gpa_bits = min_t(u32, boot_cpu_data.x86_phys_bits, 48),
		.xsave_size = fpu_size(),
		.tsc_khz = tsc_khz,
	};
	hw_info(&arg->info.vmx_owner, &arg->info.vmx_reason);
	return 0;
}

static long system_ioctl_get_cpuid(void *object, union ioctl_arg *arg)
{
	struct minivmx_cpuid_entry *rows;
	unsigned int nr;
	long ret;

	rows = kcalloc(MINIVMX_MAX_CPUID, sizeof(*rows), GFP_KERNEL);
	if (!rows)
		return -ENOMEM;
	nr = cpuid_supported(rows, MINIVMX_MAX_CPUID, 0, false);
	ret = cpuid_out(&arg->cpuid, rows, nr);
	kfree(rows);
	return ret;
}

static long system_ioctl_create_vm(void *object, union ioctl_arg *arg)
{
	const struct minivmx_create_vm *create = &arg->create_vm;
	struct file *kvm_vm = NULL;
	struct vm *vm;
	long fd;

	if (create->flags & ~(MINIVMX_VM_BORROW | MINIVMX_VM_APIC))
		return -EINVAL;
	if (create->flags & MINIVMX_VM_BORROW)
		kvm_vm = hw_kvm_vm_get(create->kvm_fd);
	else if (create->kvm_fd)
		return -EINVAL;
	if (IS_ERR(kvm_vm))
		return PTR_ERR(kvm_vm);
	vm = vm_create(kvm_vm, create->flags);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = anon_inode_getfd("minivmx-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		vm_put(vm);
	return fd;
}

static long system_ioctl_get_caps(void *object, union ioctl_arg *arg)
{
	arg->caps = vmx_caps;
	return 0;
}

static long system_ioctl_get_mitigations(void *object, union ioctl_arg *arg)
{
	mitigate_report(&arg->mitigations);
	return 0;
}

static const struct ioctl_row system_rows[NR_ROWS] = {
	ROW(MINIVMX_GET_INFO, system_ioctl_get_info),
	ROW(MINIVMX_GET_SUPPORTED_CPUID, system_ioctl_get_cpuid),
	ROW(MINIVMX_CREATE_VM, system_ioctl_create_vm),
	ROW(MINIVMX_GET_CAPS, system_ioctl_get_caps),
	ROW(MINIVMX_GET_MITIGATIONS, system_ioctl_get_mitigations),
};

static long system_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct ioctl_row *row = row_find(system_rows, cmd);

	return row ? row_call(row, NULL, cmd, (void __user *)arg) : -ENOTTY;
}

const struct file_operations minivmx_system_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = system_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

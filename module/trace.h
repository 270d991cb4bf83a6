/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints: /sys/kernel/tracing/events/minivmx/. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM minivmx

#if !defined(MINIVMX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MINIVMX_TRACE_H

#include <linux/tracepoint.h>

#include "../uapi/minivmx.h"
#include "exit.h"

TRACE_EVENT(minivmx_exit,
	TP_PROTO(unsigned int vcpu, const struct minivmx_vmexit *exit, u64 rip),
	TP_ARGS(vcpu, exit, rip),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, reason)
		__field(u64, rip)
		__field(u64, qualification)
		__field(u64, gpa)
		__array(char, name, 24)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->reason = exit->reason;
		__entry->rip = rip;
		__entry->qualification = exit->qualification;
		__entry->gpa = exit->gpa;
		strscpy(__entry->name, exit_reason_name(exit->reason & 0xffff),
			sizeof(__entry->name));
	),
	TP_printk("vcpu %u reason %u %s%s rip 0x%llx qualification 0x%llx gpa 0x%llx",
		  __entry->vcpu, __entry->reason & 0xffff,
		  __entry->name,
		  __entry->reason >> 31 ? " ENTRY_FAILURE" : "",
		  __entry->rip, __entry->qualification, __entry->gpa)
);

TRACE_EVENT(minivmx_entry,
	TP_PROTO(unsigned int vcpu, u64 rip),
	TP_ARGS(vcpu, rip),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u64, rip)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->rip = rip;
	),
	TP_printk("vcpu %u rip 0x%llx", __entry->vcpu, __entry->rip)
);

TRACE_EVENT(minivmx_invept,
	TP_PROTO(u64 eptp),
	TP_ARGS(eptp),
	TP_STRUCT__entry(
		__field(u64, eptp)
	),
	TP_fast_assign(
		__entry->eptp = eptp;
	),
	TP_printk("eptp 0x%llx", __entry->eptp)
);

#endif /* MINIVMX_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

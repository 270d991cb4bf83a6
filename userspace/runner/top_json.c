// SPDX-License-Identifier: GPL-2.0
/* minivmx top --json: a look as an object, on one line. */
#include <json-c/json.h>

#include "exit_table.h"
#include "json_file.h"
#include "top.h"

static struct json_object *reason_object(uint32_t reason, const struct minivmx_exit_stat *now,
					 const struct minivmx_exit_stat *before, double seconds)
{
	struct json_object *object = json_object_new_object();
	const uint64_t exits = now->count - (before ? before->count : 0);
	const uint64_t to_user = now->to_user - (before ? before->to_user : 0);

	json_add_number(object, "reason", reason);
	json_add_string(object, "name", exit_table_name(reason));
	json_add_number(object, "count", now->count);
	json_add_number(object, "to_user", now->to_user);
	json_object_object_add(object, "per_second",
			       json_object_new_double((double)exits / seconds));
	json_object_object_add(object, "to_user_per_second",
			       json_object_new_double((double)to_user / seconds));
	return object;
}

static struct json_object *vcpu_object(const struct vcpu_stats *now,
				       const struct vcpu_stats *before, double seconds)
{
	struct json_object *object = json_object_new_object();
	struct json_object *exits = json_object_new_array();
	uint32_t i;

	for (i = 0; i < MINIVMX_NR_EXITS; i++)
		if (now->exits[i].count)
			json_object_array_add(exits,
					      reason_object(i, &now->exits[i],
							    before ? &before->exits[i] : NULL,
							    seconds));
	json_add_number(object, "id", now->id);
	json_object_object_add(object, "exits", exits);
	return object;
}

static struct json_object *vm_object(const struct vm_stats *now, const struct vm_stats *before,
				     double seconds)
{
	struct json_object *object = json_object_new_object();
	struct json_object *vcpus = json_object_new_array();
	size_t i;

	for (i = 0; i < now->nr; i++)
		json_object_array_add(vcpus,
				      vcpu_object(&now->vcpus[i],
						  top_find_vcpu(before, now->vcpus[i].id), seconds));
	json_add_number(object, "number", now->number);
	json_add_number(object, "pid", (uint64_t)now->pid);
	json_object_object_add(object, "vcpus", vcpus);
	return object;
}

void top_print_json(FILE *file, const struct host_stats *before, const struct host_stats *now)
{
	const double seconds = (double)(now->time - before->time) / 1e9;
	struct json_object *root = json_object_new_object();
	struct json_object *vms = json_object_new_array();
	size_t i;

	for (i = 0; i < now->nr; i++)
		json_object_array_add(vms, vm_object(&now->vms[i],
						     top_find_vm(before, now->vms[i].number),
						     seconds));
	json_object_object_add(root, "seconds", json_object_new_double(seconds));
	json_object_object_add(root, "vms", vms);
	fprintf(file, "%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
	json_object_put(root);
}

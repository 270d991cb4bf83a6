// SPDX-License-Identifier: GPL-2.0
/* minivmx run: what it is told, by the command line and by a file, and its help. */
#include <stdio.h>

#include "commands.h"
#include "config_file.h"
#include "control_dir.h"
#include "detach.h"
#include "exit_status.h"
#include "run_options.h"
#include "session.h"

static void print_help(void)
{
	printf(
"usage: minivmx run [OPTION]... IMAGE\n"
"       minivmx run [OPTION]... FOLDER\n"
"       minivmx run [OPTION]... --config FILE [IMAGE]\n"
"\n"
"Runs IMAGE as a guest, or the machine that FOLDER/" CONFIG_FILE_NAME " or FILE describes. Its\n"
"first serial port is stdin and stdout.\n"
"\n"
"IMAGE is told by its content:\n"
"  Linux bzImage   booted by the 64-bit boot protocol\n"
"  ELF with PVH    an uncompressed vmlinux (CONFIG_PVH) and others\n"
"  multiboot 1     an ELF file, or any with addresses in its header\n"
"  anything else   a flat real-mode binary: loaded at 0000:7c00 like a boot\n"
"                  sector, DS = ES = SS = 0, SP = 7c00, no BIOS\n"
"\n"
"Options:\n");
	run_options_print(stdout);
	printf(
"\n"
"A configuration file has a section [" CONFIG_SECTION "], and in it a line KEY = VALUE for each\n"
"option: KEY is its long name without the dashes, and VALUE all that follows, to the end\n"
"of the line; yes or no for an option without a value. Relative paths are relative to\n"
"the file's folder. What the command line says wins over the file. A line that begins\n"
"with ; or # is a comment. For example, in web/" CONFIG_FILE_NAME ", with which\n"
"minivmx run web starts it:\n"
"\n"
"  [" CONFIG_SECTION "]\n"
"  name = web\n"
"  kernel = vmlinuz\n"
"  initrd = initrd.img\n"
"  append = console=ttyS0 quiet\n"
"  mem = 512M\n"
"  cpus = 2\n"
"\n"
"With --detach the guest runs in the background, and the command returns when it does, or\n"
"with what is wrong. minivmx console shows its console and what it has printed before,\n"
"minivmx stop presses its power button. What the run has to say later, how it ended above\n"
"all, is in --log FILE, behind what was there, or in NAME.log or PID.log beside the control\n"
"socket, where the next run of that name begins anew.\n"
"\n"
"At a terminal, Ctrl-A x ends the guest, Ctrl-A h shows help, and all else goes\n"
"to the guest, Ctrl-C too.\n"
"\n"
"Exit status:\n"
"  %-3d  the guest turned the power off, asked for a reset or halted, or was\n"
"       ended by Ctrl-A x, minivmx kill or gdb's kill; with --detach: the guest runs\n"
"  %-3d  a mistake on the command line or in the configuration file\n"
"  %-3d  the host: no /dev/minivmx, no memory, a file that cannot be read or loaded\n"
"  %-3d  the VM: entry failed, or something that is not handled\n"
"  %-3d  the guest ended in a triple fault\n"
"  %-3d  --timeout\n"
"  odd  (2 * value + 1) & 255 after a write of value to the --debug-exit port\n"
"Other minivmx commands find it by a control socket, in /run/minivmx for root, in\n"
"$XDG_RUNTIME_DIR/minivmx for others: see minivmx list --help.\n"
"SIGINT, SIGTERM, SIGHUP and SIGQUIT end it, and it dies of that signal.\n"
"\n"
"Examples:\n"
"  minivmx run boot.bin\n"
"  minivmx run --mem 512M --initrd initrd.img --append 'console=ttyS0 quiet' \\\n"
"      /boot/vmlinuz-$(uname -r)\n"
"  minivmx run --mem 1G web\n"
"  minivmx run --detach web && minivmx console web\n"
"  minivmx run --debug-exit 0xf4 --timeout 10 --stats test.elf\n",
	       STATUS_OK, STATUS_USAGE, STATUS_HOST, STATUS_VM, STATUS_GUEST, STATUS_TIMEOUT);
}

static int run(struct run_options *options)
{
	struct message message;
	int status;

	options->control_base = control_base(&message);
	if (!options->control_base && options->verbose)
		fprintf(stderr, "minivmx: no control socket: %s\n", message.text);
	if (options->detach && detach(options, &status))
		return status;
	return session_run(options);
}

int cmd_run(int argc, char **argv)
{
	struct run_options options;
	struct message message;
	int status;

	run_options_init(&options);
	status = run_options_read(argc, argv, &options, &message);
	if (status && message.text[0])
		fprintf(stderr, "minivmx: %s\n", message.text);
	if (status == STATUS_USAGE)
		usage_error("run");
	if (!status && options.help)
		print_help();
	else if (!status)
		status = run(&options);
	run_options_free(&options);
	return status;
}

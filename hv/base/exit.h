/* SPDX-License-Identifier: MIT */
/*
 * The end of a run.  The codes are written to the debug-exit device of QEMU at port 0xf4, where there is one
 * (-device isa-debug-exit,iobase=0xf4,iosize=0x04); QEMU then exits with twice the code plus one.  Without it the
 * machine is powered off, where that has been asked for, or the processor halts.  Usable from assembly.
 */
#ifndef HV_EXIT_H
#define HV_EXIT_H

#define EXIT_PORT 0xf4

#define EXIT_GOOD        0x10 /* 33: what was asked for has been done */
#define EXIT_SELFTEST    0x11 /* 35: the self-test failed */
#define EXIT_USAGE       0x12 /* 37: no bundle, or a command line that makes no sense */
#define EXIT_UNSUPPORTED 0x13 /* 39: this machine, or what its loader handed over, is not enough to run on */
#define EXIT_CRASHED     0x15 /* 43: the guest crashed */
#define EXIT_REFUSED     0x16 /* 45: the guest cannot be built: its kernel, its ramdisk, or the memory for it */
#define EXIT_DESTROYED   0x17 /* 47: whoever runs the machine has ended a guest */
#define EXIT_BROKEN      0x14 /* 41: a fault or a broken invariant of the hypervisor itself */

#ifndef __ASSEMBLER__

#include <stdbool.h>

/* From here on the end of the run powers the machine off (hv/base/power.h): @always, or after EXIT_GOOD alone. */
void exit_set_power_off(bool always);

/* End the run with one of the codes above. */
_Noreturn void exit_with(unsigned code);

/*
 * Who reads the log can tell an end that the hypervisor has come to from a status that something else has written to
 * the port: the word `proof=TEXT` of the command line @line, EXIT_PROOF_LENGTH characters that nobody can guess, comes
 * back in the last line of the log, "ended with CODE, proof TEXT", CODE in hexadecimal.  exit_take_proof() notes the
 * text and strikes it out of @line.  exit_proved() ends the run like exit_with() if there is no proof to give: it is
 * for ends after the guest's release and audit.  If there is one, that line says the code, and the end is a reset, for
 * which QEMU wants -no-reboot: at the port many a QEMU, that of Debian 12 too, ends at once, and what it has not yet
 * written of disks' images, as where in a qcow2 file things are, is lost.
 */
#define EXIT_PROOF_LENGTH 16
void exit_take_proof(char *line);
_Noreturn void exit_proved(unsigned code);

/* End it with EXIT_UNSUPPORTED after a line "Paravane cannot run here: ..." on the console. */
_Noreturn void exit_unsupported(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

#endif /* HV_EXIT_H */

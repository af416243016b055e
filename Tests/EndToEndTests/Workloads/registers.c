/*
 * Prints the registers of a stopped thread: rip, then the sixteen general ones by their DWARF numbers, in hexadecimal.
 * Usage: registers TID.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	struct user_regs_struct r;
	pid_t thread = argc == 2 ? atoi(argv[1]) : 0;

	if (ptrace(PTRACE_ATTACH, thread, 0, 0) || waitpid(thread, NULL, __WALL) != thread ||
	    ptrace(PTRACE_GETREGS, thread, 0, &r)) {
		perror("ptrace");
		return 1;
	}
	printf("%llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx\n", r.rip, r.rax,
	       r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15);
	/* As it was: stopped. */
	ptrace(PTRACE_DETACH, thread, 0, SIGSTOP);
	return 0;
}

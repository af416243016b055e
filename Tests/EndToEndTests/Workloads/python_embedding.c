/*
 * python_embedding LIBRARY PYTHON ARGUMENT...
 *
 * Loads a Python late, as a plugin, and runs it as the program PYTHON would.
 */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	int (*run)(int, char **);
	void *library = argc > 2 ? dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL) : NULL;

	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	run = (int (*)(int, char **))dlsym(library, "Py_BytesMain");
	return run ? run(argc - 2, argv + 2) : 1;
}

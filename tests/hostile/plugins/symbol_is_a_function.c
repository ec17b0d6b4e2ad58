/* SPDX-License-Identifier: MIT */
/* The symbol exists, but is code where data was promised. */
__attribute__((visibility("default"))) int faas_plugin(void);

int faas_plugin(void)
{
	return 42;
}

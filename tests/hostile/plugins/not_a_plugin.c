/* SPDX-License-Identifier: MIT */
/* A library without the symbol of a plugin. */
int not_a_plugin(void);

int not_a_plugin(void)
{
	return 42;
}

/* SPDX-License-Identifier: MIT */
const char *deeper_text(void);

const char *deeper_text(void)
{
	return "from below";
}

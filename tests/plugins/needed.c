/* SPDX-License-Identifier: MIT */
const char *deeper_text(void);
const char *needed_text(void);

const char *needed_text(void)
{
	return deeper_text();
}

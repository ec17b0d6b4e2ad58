/* SPDX-License-Identifier: MIT */
/* The symbol exists, and nothing but one byte lies behind it. */
__attribute__((visibility("default"))) extern const char faas_plugin;
const char faas_plugin = 'F';

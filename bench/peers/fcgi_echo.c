/* SPDX-License-Identifier: MIT */

/* The FastCGI peer: libfcgi's own loop, one request at a time, connections kept. */

#include <fcgiapp.h>

int main(void)
{
	FCGX_Request request;
	char body[8192];

	if (FCGX_Init() || FCGX_InitRequest(&request, 0, 0))
		return 1;
	while (FCGX_Accept_r(&request) == 0) {
		int len = FCGX_GetStr(body, sizeof(body), request.in);

		FCGX_FPrintF(request.out,
			     "Content-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n",
			     len);
		FCGX_PutStr(body, len, request.out);
		FCGX_Finish_r(&request);
	}
	return 0;
}

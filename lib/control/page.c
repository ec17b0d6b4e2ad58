/* SPDX-License-Identifier: MIT */
/* Lists of the API come page by page. A marker is the number of items that came before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>
#include <control/control.h>

/* The list may be another one since the marker was given. */
int fa_control_page(const struct fa_document *in, struct fa_document *out, size_t count,
		    int most, size_t *begin, size_t *end, struct faas_error *err)
{
	const char *marker = fa_control_text(in, "Marker");
	int items = fa_control_number(in, "MaxItems", most);
	char next[24];

	if (marker && (strlen(marker) > 9 || strspn(marker, "0123456789") < strlen(marker)))
		return fa_error(err, FAAS_EINVAL, "'%.80s' is not a marker", marker);
	*begin = marker ? (size_t)atol(marker) : 0;
	if (*begin > count)
		*begin = count;
	*end = *begin + (size_t)(items < most ? items : most);
	if (*end >= count) {
		*end = count;
		return 0;
	}
	snprintf(next, sizeof(next), "%zu", *end);
	return fa_document_put_text(out, "NextMarker", next) ? fa_error_nomem(err) : 0;
}

/* Takes the item. */
static int add(struct fa_document *page, struct fa_document *item, int rc)
{
	return fa_document_append(page, item) && !rc ? FAAS_ENOMEM : rc;
}

int fa_control_list(const struct fa_document *in, struct fa_document *out, const char *name,
		    size_t count, fa_control_put_fn put, const void *data, struct faas_error *err)
{
	struct fa_document *page;
	size_t begin, end;
	int rc = fa_control_page(in, out, count, FA_PAGE_MOST, &begin, &end, err);

	if (rc)
		return rc;
	page = fa_document_array();
	for (size_t i = begin; !rc && i < end; i++) {
		struct fa_document *item = fa_document_object();

		rc = add(page, item, put(data, i, item, err));
	}
	if (fa_document_put(out, name, page) && !rc)
		rc = FAAS_ENOMEM;
	return rc == FAAS_ENOMEM ? fa_error_nomem(err) : rc;
}

int fa_control_list_copies(const struct fa_document *in, struct fa_document *out,
			   const char *name, const struct fa_document *all,
			   struct faas_error *err)
{
	struct fa_document *page;
	size_t begin, end, count = 0;
	int rc;

	while (fa_document_item(all, count))
		count++;
	rc = fa_control_page(in, out, count, FA_PAGE_MOST, &begin, &end, err);
	if (rc)
		return rc;
	page = fa_document_array();
	for (size_t i = begin; !rc && i < end; i++)
		rc = add(page, fa_document_copy(fa_document_item(all, i)), 0);
	if (fa_document_put(out, name, page) && !rc)
		rc = FAAS_ENOMEM;
	return rc ? fa_error_nomem(err) : 0;
}

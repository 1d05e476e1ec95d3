#include "reconcile/lsp/lsp_documents.h"

#include "schema/limits.h"

#include <stdlib.h>
#include <string.h>

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

char *lsp_uri_path(const char *uri)
{
	static const char scheme[] = "file://", host[] = "localhost";
	const char *s = uri + sizeof(scheme) - 1;
	char *path, *out;

	if (strlen(uri) > LSP_URI_MAX || strncmp(uri, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	if (strncmp(s, host, sizeof(host) - 1) == 0)
		s += sizeof(host) - 1;
	if (*s != '/' || !(path = out = malloc(strlen(s) + 1)))
		return NULL;
	for (; *s; s++) {
		int high = *s == '%' ? hex(s[1]) : -1, low = high >= 0 ? hex(s[2]) : -1;
		if (*s == '%' && (low < 0 || !(high | low))) {
			free(path);
			return NULL;
		}
		*out++ = *s == '%' ? (char)(high << 4 | low) : *s;
		s += *s == '%' ? 2 : 0;
	}
	*out = '\0';
	return path;
}

char *lsp_path_uri(const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	struct buf b = {0};

	buf_str(&b, "file://");
	for (; *path; path++) {
		if (strchr(plain, *path))
			buf_char(&b, *path);
		else
			buf_printf(&b, "%%%02X", (unsigned char)*path);
	}
	if (b.failed)
		buf_free(&b);
	return b.p;
}

struct lsp_document *lsp_document_find(const struct lsp_documents *d, const char *uri)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->all[i].uri, uri) == 0)
			return &d->all[i];
	return NULL;
}

const struct lsp_document *lsp_document_at(const struct lsp_documents *d, const char *path)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->all[i].path, path) == 0)
			return &d->all[i];
	return NULL;
}

static void document_free(struct lsp_document *doc)
{
	free(doc->uri);
	free(doc->path);
	free(doc->text);
	free(doc->root);
}

void lsp_document_close(struct lsp_documents *d, const char *uri)
{
	struct lsp_document *doc = lsp_document_find(d, uri);

	if (!doc)
		return;
	d->bytes -= doc->n;
	document_free(doc);
	*doc = d->all[--d->n];
}

void lsp_documents_free(struct lsp_documents *d)
{
	for (size_t i = 0; i < d->n; i++)
		document_free(&d->all[i]);
	free(d->all);
	*d = (struct lsp_documents){0};
}

int lsp_document_set(struct lsp_documents *d, const char *uri, const json_t *text)
{
	struct lsp_document doc = {.n = json_string_length(text), .dirty = true};

	lsp_document_close(d, uri);
	if (doc.n > LSP_DOCUMENT_MAX || d->n >= LSP_DOCUMENTS_MAX || doc.n > LSP_BYTES_MAX - d->bytes ||
	    strlen(uri) > LSP_URI_MAX || strncmp(uri, "file://", 7) != 0)
		return 1;
	if (!d->all && !(d->all = calloc(LSP_DOCUMENTS_MAX, sizeof(*d->all))))
		return -1;
	doc.path = lsp_uri_path(uri);
	if (!doc.path)
		return 1;
	doc.uri = strdup(uri);
	doc.text = malloc(doc.n + 1);
	if (!doc.uri || !doc.text) {
		document_free(&doc);
		return -1;
	}
	memcpy(doc.text, json_string_value(text), doc.n);
	doc.text[doc.n] = '\0';
	d->all[d->n++] = doc;
	d->bytes += doc.n;
	return 0;
}

#include "reconcile/lsp/lsp.h"

#include "reconcile/lsp/lsp_answer.h"
#include "reconcile/lsp/lsp_frame.h"
#include "reconcile/text/json_value.h"
#include "schema/limits.h"

#include <stdlib.h>
#include <string.h>

/* Errors of JSON-RPC and of the protocol. */
enum {
	PARSE_ERROR = -32700,
	INVALID_REQUEST = -32600,
	NO_SUCH_METHOD = -32601,
	INVALID_PARAMS = -32602,
	NOT_INITIALIZED = -32002,
};

struct lsp {
	const struct lsp_files *files;
	struct lsp_documents documents;
	struct lsp_definitions definitions;
	struct lsp_client client;
	struct buf in;
	bool initialized, shut_down;
	enum lsp_state state;
};

struct lsp *lsp_new(const struct lsp_files *files)
{
	struct lsp *s = calloc(1, sizeof(*s));

	if (s)
		s->files = files;
	return s;
}

void lsp_free(struct lsp *s)
{
	if (!s)
		return;
	lsp_definitions_free(&s->definitions);
	lsp_documents_free(&s->documents);
	buf_free(&s->in);
	free(s);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static void answer(struct buf *out, const json_t *id, json_t *result)
{
	lsp_frame_write(out,
			result ? json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "result", result) : NULL);
}

static void refuse(struct buf *out, const json_t *id, int code, const char *message)
{
	lsp_frame_write(out, json_pack("{s:s, s:o, s:{s:i, s:s}}", "jsonrpc", "2.0", "id",
				       id ? json_incref((json_t *)id) : json_null(), "error", "code", code, "message",
				       message));
}

/* Checks what has changed: the diagnostics come before an answer that is about them. */
static void check(struct lsp *s, struct buf *out)
{
	if (lsp_check(&s->definitions, &s->documents, s->files, &s->client, out))
		s->state = LSP_MEMORY;
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static bool has(const json_t *list, const char *word)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_is_string(json_array_get(list, i)) &&
		    strcmp(json_string_value(json_array_get(list, i)), word) == 0)
			return true;
	return false;
}

static const json_t *at_path(const json_t *o, const char *const *keys)
{
	for (; *keys; keys++)
		o = json_object_get(o, *keys);
	return o;
}
#define AT(o, ...) at_path(o, (const char *const[]){__VA_ARGS__, NULL})

static json_t *initialize(struct lsp *s, const json_t *params)
{
	const json_t *can = json_object_get(params, "capabilities");
	const json_t *encodings = AT(can, "general", "positionEncodings");
	static const char *const names[] = {[LSP_UTF16] = "utf-16", [LSP_UTF8] = "utf-8", [LSP_UTF32] = "utf-32"};

	s->client.units = has(encodings, "utf-8") ? LSP_UTF8 : LSP_UTF16;
	s->client.markdown = has(AT(can, "textDocument", "hover", "contentFormat"), "markdown");
	s->client.related = json_is_true(AT(can, "textDocument", "publishDiagnostics", "relatedInformation"));
	s->initialized = true;
	/* textDocumentSync: open and close, the whole text at each change, and saves. */
	return json_pack("{s:{s:s, s:{s:b, s:i, s:b}, s:{s:[s, s, s, s]}, s:b, s:b, s:{s:[s, s]}}, s:{s:s, s:s}}",
			 "capabilities", "positionEncoding", names[s->client.units], "textDocumentSync", "openClose", 1,
			 "change", 1, "save", 1, "completionProvider", "triggerCharacters", " ", "[", "{", ",",
			 "hoverProvider", 1, "definitionProvider", 1, "codeActionProvider", "codeActionKinds",
			 "quickfix", "source.fixAll", "serverInfo", "name", "innernet", "version", INNERNET_VERSION);
}

/* The open file that a request is about. NULL: it is not open. */
static const struct lsp_document *document_of(const struct lsp *s, const json_t *params)
{
	const json_t *uri = AT(params, "textDocument", "uri");

	return json_is_string(uri) ? lsp_document_find(&s->documents, json_string_value(uri)) : NULL;
}

static json_t *ask(struct lsp *s, const json_t *params, const char *place,
		   json_t *(*about)(const struct lsp_question *q), bool *bad)
{
	struct lsp_question q = {&s->definitions, &s->documents, &s->client, document_of(s, params), 0};
	struct lsp_position at;

	*bad = !lsp_read_position(json_object_get(params, place), &at);
	if (*bad || !q.document)
		return *bad ? NULL : json_null();
	q.offset = lsp_offset((struct span){(const uint8_t *)q.document->text, q.document->n}, at, s->client.units);
	return about(&q);
}

static json_t *actions(struct lsp *s, const json_t *params, bool *bad)
{
	struct lsp_question q = {&s->definitions, &s->documents, &s->client, document_of(s, params), 0};
	const json_t *range = json_object_get(params, "range");
	struct lsp_position from, to;
	struct span text;

	*bad = !lsp_read_position(json_object_get(range, "start"), &from) ||
	       !lsp_read_position(json_object_get(range, "end"), &to);
	if (*bad || !q.document)
		return *bad ? NULL : json_null();
	text = (struct span){(const uint8_t *)q.document->text, q.document->n};
	q.offset = lsp_offset(text, from, s->client.units);
	return lsp_actions(&q, lsp_offset(text, to, s->client.units));
}

static void request(struct lsp *s, const char *method, const json_t *id, const json_t *params, struct buf *out)
{
	static const struct {
		const char *method;
		json_t *(*about)(const struct lsp_question *q);
	} questions[] = {
	    {"textDocument/completion", lsp_complete},
	    {"textDocument/hover", lsp_hover},
	    {"textDocument/definition", lsp_definition_place},
	};
	json_t *result = NULL;
	bool bad = false;

	if (strcmp(method, "initialize") == 0) {
		if (s->initialized)
			refuse(out, id, INVALID_REQUEST, "initialized already");
		else
			answer(out, id, initialize(s, params));
		return;
	}
	if (!s->initialized || s->shut_down) {
		refuse(out, id, s->shut_down ? INVALID_REQUEST : NOT_INITIALIZED,
		       s->shut_down ? "shut down already" : "not initialized yet");
		return;
	}
	if (strcmp(method, "shutdown") == 0) {
		s->shut_down = true;
		answer(out, id, json_null());
		return;
	}
	check(s, out);
	if (strcmp(method, "textDocument/codeAction") == 0) {
		result = actions(s, params, &bad);
	} else {
		size_t i = 0, n = sizeof(questions) / sizeof(questions[0]);
		while (i < n && strcmp(method, questions[i].method) != 0)
			i++;
		if (i == n) {
			refuse(out, id, NO_SUCH_METHOD, "no such method");
			return;
		}
		result = ask(s, params, "position", questions[i].about, &bad);
	}
	if (bad)
		refuse(out, id, INVALID_PARAMS, "a position is missing");
	else
		answer(out, id, result);
}

/* ---- notifications ----------------------------------------------------------------------------------------------- */

/* A file that is closed is read from the disk from now on. */
static void close_document(struct lsp *s, const char *uri)
{
	const struct lsp_document *doc = lsp_document_find(&s->documents, uri);
	char *root = doc && doc->root ? strdup(doc->root) : NULL;

	lsp_document_close(&s->documents, uri);
	for (size_t i = 0; root && i < s->documents.n; i++)
		if (s->documents.all[i].root && strcmp(s->documents.all[i].root, root) == 0)
			s->documents.all[i].dirty = true;
	free(root);
}

static void set_document(struct lsp *s, const char *uri, const json_t *text)
{
	if (!json_is_string(text))
		return;
	if (lsp_document_find(&s->documents, uri))
		close_document(s, uri);
	if (lsp_document_set(&s->documents, uri, text) < 0)
		s->state = LSP_MEMORY;
}

static void notification(struct lsp *s, const char *method, const json_t *params)
{
	const json_t *uri = AT(params, "textDocument", "uri"), *changes = json_object_get(params, "contentChanges");

	if (strcmp(method, "exit") == 0) {
		s->state = s->shut_down ? LSP_ENDED : LSP_FAILED;
		return;
	}
	if (!s->initialized || s->shut_down)
		return;
	if (strcmp(method, "workspace/didChangeWatchedFiles") == 0 || strcmp(method, "textDocument/didSave") == 0)
		lsp_check_again(&s->documents);
	if (!json_is_string(uri))
		return;
	if (strcmp(method, "textDocument/didOpen") == 0)
		set_document(s, json_string_value(uri), AT(params, "textDocument", "text"));
	else if (strcmp(method, "textDocument/didChange") == 0 && json_array_size(changes))
		set_document(s, json_string_value(uri),
			     json_object_get(json_array_get(changes, json_array_size(changes) - 1), "text"));
	else if (strcmp(method, "textDocument/didClose") == 0)
		close_document(s, json_string_value(uri));
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static void handle(struct lsp *s, struct span text, struct buf *out)
{
	json_t *m = json_loadb((const char *)text.p, text.n, JSON_ALLOW_NUL, NULL);
	const json_t *method = json_object_get(m, "method"), *id = json_object_get(m, "id"),
		     *params = json_object_get(m, "params");

	if (id && !json_is_integer(id) && !json_is_string(id))
		id = NULL;
	if (!m)
		refuse(out, NULL, PARSE_ERROR, "not JSON");
	else if (json_is_string(method) && id)
		request(s, json_string_value(method), id, params, out);
	else if (json_is_string(method))
		notification(s, json_string_value(method), params);
	else if (!json_is_object(m) || (!json_object_get(m, "result") && !json_object_get(m, "error")))
		refuse(out, id, INVALID_REQUEST, "not a request");
	/* Else it is an answer, to a question that this server does not ask. */
	json_decref(m);
}

enum lsp_state lsp_read(struct lsp *s, struct span bytes, struct buf *out)
{
	size_t at = 0, used;
	struct span message;
	int r = 0;

	if (s->state != LSP_GOES_ON)
		return s->state;
	buf_add(&s->in, bytes.p, bytes.n);
	while (!s->in.failed && s->state == LSP_GOES_ON) {
		struct span rest = {(const uint8_t *)s->in.p + at, s->in.n - at};
		if (!rest.n || (r = lsp_frame_read(rest, &message, &used)) <= 0)
			break;
		handle(s, message, out);
		at += used;
	}
	if (r < 0)
		s->state = LSP_FAILED;
	if (at) {
		memmove(s->in.p, s->in.p + at, s->in.n - at);
		s->in.n -= at;
	}
	if (s->state == LSP_GOES_ON)
		check(s, out);
	if (s->in.failed || out->failed)
		s->state = LSP_MEMORY;
	return s->state;
}

/* The frames of the language server's messages, and places in a text as editors count them. */
#include "reconcile/lsp/lsp_documents.h"
#include "reconcile/lsp/lsp_frame.h"
#include "reconcile/lsp/lsp_position.h"
#include "schema/limits.h"
#include "tests/cmocka.h"

#include <stdlib.h>
#include <string.h>

static int frame(const char *in, const char *want, size_t rest)
{
	struct span message;
	size_t used = 0;
	int rc = lsp_frame_read(span_str(in), &message, &used);

	if (rc == 1) {
		assert_true(span_eq(message, span_str(want)));
		assert_int_equal(strlen(in) - used, rest);
	}
	return rc;
}

static void test_frames(void **state)
{
	static const char whole[] = "Content-Length: 7\r\ncontent-type: x\r\n\r\n{\"a\":1}";
	struct span message;
	size_t used;

	(void)state;
	assert_int_equal(frame(whole, "{\"a\":1}", 0), 1);
	assert_int_equal(frame("content-length:2 \n\n{}more", "{}", 4), 1);
	assert_int_equal(frame("Content-Length: 0\r\n\r\n", "", 0), 1);
	for (size_t n = 0; n < sizeof(whole) - 1; n++)
		assert_int_equal(lsp_frame_read((struct span){(const uint8_t *)whole, n}, &message, &used), 0);
	assert_int_equal(frame("Content-Length: x\r\n\r\n", "", 0), -1);
	assert_int_equal(frame("Content-Length:\r\n\r\n", "", 0), -1);
	assert_int_equal(frame("Content-Length: -1\r\n\r\n", "", 0), -1);
	assert_int_equal(frame("Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", "", 0), -1);
	assert_int_equal(frame("Content-Type: x\r\n\r\n", "", 0), -1);
	assert_int_equal(frame("{}\r\n", "", 0), -1);
	assert_int_equal(frame("Content-Length: 99999999999999999999\r\n", "", 0), -1);
	char *long_one = calloc(1, LSP_HEADER_MAX + 1);
	memset(long_one, 'x', LSP_HEADER_MAX);
	assert_int_equal(frame(long_one, "", 0), -1);
	free(long_one);

	struct buf out = {0};
	lsp_frame_write(&out, json_pack("{s:s}", "a", "\xc3\xa9"));
	assert_string_equal(out.p, "Content-Length: 10\r\n\r\n{\"a\":\"\xc3\xa9\"}");
	buf_free(&out);
}

static void at(const char *text, enum lsp_units units, uint32_t line, uint32_t character, size_t offset, bool back)
{
	struct lsp_position p = {line, character};

	assert_int_equal(lsp_offset(span_str(text), p, units), offset);
	p = lsp_position_of(span_str(text), offset, units);
	if (back) {
		assert_int_equal(p.line, line);
		assert_int_equal(p.character, character);
	}
}

static void test_positions(void **state)
{
	static const char text[] = "ab\r\n\xc3\xa9\xf0\x9f\x98\x80x\n";

	(void)state;
	at(text, LSP_UTF16, 0, 1, 1, true);
	at(text, LSP_UTF16, 1, 0, 4, true);
	at(text, LSP_UTF16, 1, 1, 6, true);
	at(text, LSP_UTF16, 1, 3, 10, true);
	at(text, LSP_UTF8, 1, 6, 10, true);
	at(text, LSP_UTF32, 1, 2, 10, true);
	at(text, LSP_UTF16, 2, 0, 12, true);
	/* In the middle of a pair, and outside: the nearest place. */
	at(text, LSP_UTF16, 1, 2, 10, false);
	at(text, LSP_UTF16, 0, 99, 2, false);
	at(text, LSP_UTF16, 99, 99, 12, false);
	at("\xff\xfe", LSP_UTF16, 0, 1, 1, true);
}

static void test_uris(void **state)
{
	char *path = lsp_uri_path("file:///a%20b/%C3%A4+c.yaml"), *uri;

	(void)state;
	assert_string_equal(path, "/a b/\xc3\xa4+c.yaml");
	uri = lsp_path_uri(path);
	assert_string_equal(uri, "file:///a%20b/%C3%A4%2Bc.yaml");
	free(uri);
	free(path);
	path = lsp_uri_path("file://localhost/x");
	assert_string_equal(path, "/x");
	free(path);
	assert_null(lsp_uri_path("file://host/x"));
	assert_null(lsp_uri_path("untitled:x"));
	assert_null(lsp_uri_path("file:///%"));
	assert_null(lsp_uri_path("file:///%4"));
	assert_null(lsp_uri_path("file:///a%00b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_frames),
	    cmocka_unit_test(test_positions),
	    cmocka_unit_test(test_uris),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

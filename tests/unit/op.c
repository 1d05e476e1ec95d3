/* The table of operations, walked: each kind has its row, and whatever renders a plan knows each row. */
#include "reconcile/show/plan.h"
#include "tests/unit/device_states.h"

static void each_row_is_whole(void **state)
{
	(void)state;
	for (int k = 0; k < N_OP_KINDS; k++) {
		const struct op_row *row = &op_rows[k];
		bool has_field = row->subject == ABOUT_KEY || row->subject == ABOUT_NUMBER ||
				 row->subject == ABOUT_MARK || row->subject == ABOUT_PREFIX;

		assert_non_null(row->word);
		assert_non_null(row->label);
		assert_int_equal(row->field != NULL, has_field);
		/* `innernet down` deletes the link; it repairs nothing. */
		assert_int_equal(row->drift == NULL, k == OP_LINK_DEL);
		/* A removal takes away, and nothing that only creates does. */
		if (row->action != PLAN_CHANGE)
			assert_int_equal(row->takes_away, row->action == PLAN_REMOVE);
		/* The kernel alone has links, addresses and routes. */
		if (row->subject == ABOUT_PEER || row->subject == ABOUT_KEY || row->subject == ABOUT_MARK)
			assert_int_equal(row->backend, BY_WIREGUARD);
		if (row->subject == ABOUT_LINK || row->subject == ABOUT_STATE || row->subject == ABOUT_PREFIX)
			assert_int_equal(row->backend, BY_RTNETLINK);
		for (int other = 0; other < k; other++) {
			assert_string_not_equal(row->word, op_rows[other].word);
			if (row->drift)
				assert_string_not_equal(row->drift, op_rows[other].drift);
		}
	}
}

/* An operation of this kind, with what its row says that it is about. */
static struct op op_of(struct arena *a, enum op_kind kind)
{
	const struct op_row *row = &op_rows[kind];
	struct op op = {.kind = kind};

	if (row->subject == ABOUT_PEER) {
		struct device_peer *peers = arena_array(a, 2, sizeof(*peers));
		peers[0] = peer_of(a, 1, "bob", "10.60.0.2/32", "192.0.2.1:5", 0);
		peers[1] = peer_of(a, 1, "bob", "10.60.0.2/32", "192.0.2.7:5", 0);
		op.before = row->action == PLAN_CREATE ? NULL : &peers[0];
		op.after = row->action == PLAN_REMOVE ? NULL : &peers[1];
		op.set_endpoint = row->action == PLAN_CHANGE;
	} else if (row->subject == ABOUT_PREFIX) {
		assert_int_equal(prefix_parse("10.9.0.0/16", 11, &op.prefix), PREFIX_OK);
	} else if (row->subject == ABOUT_NUMBER || row->subject == ABOUT_MARK) {
		op.old_value = 5;
		op.new_value = 7;
	}
	return op;
}

static void each_is_rendered(void **state)
{
	static const char *const actions[] = {
	    [PLAN_CREATE] = "add", [PLAN_CHANGE] = "change", [PLAN_REMOVE] = "remove"};
	static const char *const symbols[] = {[PLAN_CREATE] = "+", [PLAN_CHANGE] = "~", [PLAN_REMOVE] = "-"};
	struct arena *a = arena_new();

	(void)state;
	for (int k = 0; k < N_OP_KINDS; k++) {
		const struct op_row *row = &op_rows[k];
		struct op op = op_of(a, (enum op_kind)k);
		struct plan p = {
		    .desired = state_of(a, NULL, NULL), .observed = state_of(a, NULL, NULL), .ops = &op, .n_ops = 1};
		struct buf text = {0}, line = {0};
		json_t *root = plan_render_json(&p), *j = json_array_get(json_object_get(root, "ops"), 0);

		assert_string_equal(json_string_value(json_object_get(j, "op")), row->word);
		assert_string_equal(json_string_value(json_object_get(j, "action")), actions[row->action]);
		if (row->field)
			assert_non_null(json_object_get(j, row->field));
		/* "op", "action", "drift", and what it is about. */
		if (row->subject == ABOUT_PEER)
			assert_true(json_object_size(j) > 4);
		else
			assert_int_equal(json_object_size(j), row->field ? 4 : 3);
		json_decref(root);

		plan_render_text(&text, &p, false);
		buf_printf(&line, "\n  %s %s ", symbols[row->action],
			   row->subject != ABOUT_PEER   ? row->label
			   : row->action == PLAN_CHANGE ? "endpoint"
							: "public key");
		assert_non_null(strstr(text.p, line.p));
		assert_non_null(strstr(text.p, op_is_interface(&op)         ? "# interface corp will be "
					       : row->subject == ABOUT_PEER ? "# peer bob will be "
									    : "10.9.0.0/16 will be "));
		buf_free(&text);
		buf_free(&line);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_row_is_whole),
	    cmocka_unit_test(each_is_rendered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

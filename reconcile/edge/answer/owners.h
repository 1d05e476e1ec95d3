/*
 * The owners that answers are made of. reconciler.c makes them and holds them; a handler reads them, and changes them
 * by their own functions alone.
 */
#ifndef EDGE_OWNERS_H
#define EDGE_OWNERS_H

#include "reconcile/edge/config/server_config.h"
#include "reconcile/edge/http/server_http.h"

struct owners {
	const struct server_config *config;
	/* What is known: an owner may ask those above it. */
	struct conditions *conditions;
	struct served *served;
	struct freshness *freshness;
	struct enrolments *enrolments;
	struct redemptions *redemptions;
	struct moves *moves;
	struct own_moves *own_moves;
	struct hints_board *hints;
	struct knocks *knocks;
	struct readers *readers;
	struct reports *reports;
	struct verdicts *verdicts;
	struct iface *iface;
	/* Where the definition comes from, when it is on a remote. */
	struct upstream *upstream;
	/* The peers that ask. */
	struct http_server *http; /* NULL: it serves no peers */
	struct git_http *git;
};

#endif

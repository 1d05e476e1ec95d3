/* The paths that the server answers and a peer asks for, for both ends: innernet-snapshot(5), innernet-reconcile(8). */
#ifndef EDGE_ROUTES_H
#define EDGE_ROUTES_H

#define ROUTE_REDEEM    "/v1/redeem"
#define ROUTE_POLL      "/v1/poll"
#define ROUTE_ENDPOINTS "/v1/endpoints"
#define ROUTE_KNOCK     "/v1/knock"
#define ROUTE_STATUS    "/v1/status"
#define ROUTE_METRICS   "/metrics"
#define ROUTE_GIT       "/network.git" /* and all below it is git's (git_request.h) */

/* Each request for another path than git's carries the network's id in this header. */
#define NETWORK_HEADER "Innernet-Network"

#endif

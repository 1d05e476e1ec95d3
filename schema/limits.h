/*
 * Every limit of innernet, named and explained in one place.
 *
 * A number that bounds what comes from outside (a file, git, the network, the
 * kernel, our own state on disk) lives here and nowhere else.
 */
#ifndef SCHEMA_LIMITS_H
#define SCHEMA_LIMITS_H

/* Keys, hashes and signatures (bytes), and their canonical padded base64. */
#define KEY_LEN      32
#define KEY_B64_LEN  44
#define SIG_LEN      64
#define SIG_B64_LEN  88
#define HASH_HEX_LEN 64

/* Names. RFC 1123 labels; the network is also an interface (IFNAMSIZ - 1). */
#define NAME_MAX_LEN     63
#define NETWORK_MAX_LEN  15
#define ENDPOINT_MAX_LEN 261 /* 253 of host name, ':', 5 digits, brackets */
#define DESCRIPTION_MAX  255

/* The definition. */
#define NETWORK_PREFIX_MIN 1            /* bits: one of all addresses would be every machine's default route */
#define DEFINITION_MAX     (256u << 20) /* bytes of one YAML file: 1,000,000 peers are about 150 MB */
#define INCLUDE_FILES_MAX  1024         /* files one definition may include */
#define INCLUDE_LOOKS_MAX  200000       /* entries of folders that all patterns together may make us look at */
#define YAML_DEPTH_MAX     32           /* libyaml's flow nesting is quadratic */
#define YAML_NODES_MAX     (24u << 20)  /* keys, values, lists and mappings of one file: 12 a peer at PEERS_MAX */
#define YAML_SCALAR_MAX    4096         /* bytes of one scalar */
#define PEERS_MAX          2000000
#define CIDRS_MAX          100000
#define ASSOCIATIONS_MAX   100000
#define ROUTES_MAX         256 /* of one peer */
#define SIGNERS_MAX        16
#define DIAGS_MAX          1000 /* diagnostics kept; the rest are counted */

#define EPOCH_MAX         9007199254740991 /* 2^53 - 1: exact in JSON too */
#define MTU_MIN           1280             /* RFC 8200 section 5 */
#define MTU_MAX           65535
#define MTU_DEFAULT       1280
#define KEEPALIVE_MAX     65535
#define KEEPALIVE_DEFAULT 25

/* The snapshot: innernet-snapshot(5). */
#define LIST_MAX           16         /* members of a leaf or a children object */
#define PARTS_MAX          16         /* one a nibble value */
#define OBJECT_MAX         (2u << 20) /* bytes of any object: a view with all of its segments and subtrees */
#define STATEMENT_MAX      8192
#define FORMAT_NEWEST      2    /* of a view, a leaf, a statement and an enrolment: what these programs read */
#define SPEAK_MAX          9999 /* the newest format that a peer can say it reads */
#define FORMATS_DAYS_MAX   3650 /* for so long a guard may count a peer that polled */
#define X_LINES_MAX        1024 /* bytes of the x- lines that stand at one place */
#define ENDPOINTS_MAX      8    /* of one peer, in the definition */
#define METRIC_MAX         65535
#define CONFIRM_MAX        3600 /* seconds */
#define CONFIRM_DEFAULT    30   /* what a view without `confirm=` means */
#define SMALL_OBJECT_MAX   512  /* a signature, a freshness, an enrolment without its x- lines */
#define ENROLMENT_MAX      (2 * SMALL_OBJECT_MAX + X_LINES_MAX) /* bytes of an enrolment with its signature */
#define ANCESTORS_MAX      128                                  /* a prefix has at most 128 that contain it */
#define SEGMENTS_MAX       4096                                 /* infra CIDRs in one view */
#define SUBTREES_MAX       4096                                 /* associations that cover one view */
#define PATH_MAX_LEN       32                                   /* hashes in a Merkle path: 2^32 views */
#define TREE_DEPTH_MAX     40           /* objects between a view and a leaf in one list: 32 nibbles, and slack */
#define WALK_DEPTH_MAX     1024         /* objects between a view and a leaf in all: CIDRs in CIDRs, and their lists */
#define BUNDLE_MAX         (512u << 20) /* bytes of one reply, or of the snapshot on a peer's disk */
#define BUNDLE_OBJECTS_MAX 4000000
#define CHAIN_MAX          1024 /* statements that changed the signers, in one reply */
#define FRESH_SECONDS      300  /* how long a freshness stands */
#define CLOCK_SLACK        120  /* seconds that the clocks of honest machines may differ */

/* HTTP inside the tunnel. */
#define SERVER_PORT       51820       /* TCP, on every server's addresses, inside the tunnel */
#define POLL_WAIT_MAX     60          /* seconds a poll is held */
#define REQUEST_MAX       4096        /* bytes of a request's body, git's excepted */
#define RESPONSE_HEAD_MAX (16u << 10) /* bytes of an answer's headers; ours have some 150 */
#define TRANSFER_SECONDS  60          /* deadline of a whole transfer, not of a single read */
#define CONNECTIONS_MAX   20000
#define CONNECTIONS_PEER  8    /* of one peer; all from addresses without a peer count as one */
#define CANDIDATES_MAX    10   /* endpoints a peer may report */
#define KNOCKS_MINUTE     128  /* knocks that one peer may send in a minute */
#define KNOCKS_HELD_MAX   4096 /* that a server remembers: of a pair for 5 s, undelivered for 30 s */
#define RECENT_MAX        256  /* peers whose last moves a server keeps at hand for the polls that lack no older ones */
#define KNOCKS_MAX        64   /* knocks in one reply: a peer has as many attempts under way at most */

/* Git. */
#define COMMITS_MAX          (16u << 20) /* reachable commits that are counted */
#define GIT_COMMIT_MAX       (1u << 20)  /* bytes of one commit object: messages and signatures */
#define GIT_TREE_MAX         (16u << 20) /* bytes of one tree object */
#define GIT_NOTE_MAX         (16u << 20) /* bytes of a verdict: all diagnostics of a commit */
#define LEDGER_COMMITS_MAX   (1u << 16)  /* commits on the ledger's branch that are new at once: two seconds' walk */
#define LEDGER_RECORDS_MAX   (2 * PEERS_MAX) /* files on the ledger's branch that are new at once */
#define LEDGER_FOLDERS_MAX   (1u << 19) /* folders of the same: four kinds, with two levels of 256 each, are half */
#define REPO_LOCK_SECONDS    60 /* a lock on a ref of ours that is older was left by a kill: writing takes milliseconds */
#define PUSH_REF_MAX         1024         /* bytes of the name of a ref that is pushed */
#define PUSH_LINES_MAX       (4u << 20)   /* bytes that say what is pushed */
#define PUSH_SECONDS         120          /* to judge it; a million peers take ten */
#define PUSH_MEMORY          (4ull << 30) /* bytes, for the same */
#define PUSH_VERDICT_MS      20000 /* for the server's verdict on what was pushed: 10,000 new addresses take it seconds */
#define PUSH_WAIT_MS         3000         /* for the peers to follow it, or for another push to take its place */
#define LEDGER_RETRIES       100          /* of one compare-and-swap that another writer wins */
#define LOOSE_OBJECTS_MAX    2000         /* in a repository of ours, before it is packed */
#define MAINTENANCE_SECONDS  86400        /* and not again for so long */
#define GC_SECONDS           1800         /* the packing itself */
#define REMOTE_LIST_SECONDS  60           /* to ask a remote where its refs are */
#define REMOTE_FETCH_SECONDS 900          /* a whole fetch: the first one brings all of the history */
#define REMOTE_PUSH_SECONDS  60           /* a whole push: some records */
#define REMOTE_OUTPUT_MAX    (64u << 10)  /* bytes of what git says */
#define REMOTE_LIST_MAX      (16u << 20)  /* the same of refs: it lists all refs with names that end like ours */
#define REMOTE_PACK_MAX      (1ull << 30) /* bytes of a pack, and of any file, that a remote may make us write */
#define REMOTE_SECRET_MAX    (64u << 10)  /* bytes of a private key or a password's file */
#define REMOTE_INTERVAL      60           /* seconds between two looks, when the server's file says nothing */
#define REMOTE_INTERVAL_MAX  86400
#define REDEEM_SECONDS                                                                                                 \
	5 /* a redemption waits this long for the remote, less than peers wait for an answer (redeem.c); they ask again */

/* Git over the tunnel, for admins. */
#define GIT_FETCH_MAX      (10u << 20) /* bytes of what a fetch asks for, unpacked */
#define GIT_PUSH_MAX       (512u << 20) /* bytes of one push: a definition of DEFINITION_MAX is a fifth of that, packed */
#define GIT_SECONDS        900          /* deadline of a request: what is sent, git's work, the answer */
#define GIT_TURN_SECONDS   30           /* for a turn, while other requests have theirs */
#define GIT_CHILDREN_MAX   4            /* at once; one a peer */
#define GIT_WAITING_MAX    64           /* for a turn */
#define GIT_BODIES_MAX     8            /* requests with a body, from its first byte to the end of the answer */
#define GIT_BODIES_PEER    2            /* of one peer */
#define GIT_CPU_SECONDS    300          /* of one process of git's */
#define GIT_MEMORY         (4ull << 30) /* bytes, of one process of git's; also of one that fetches from a remote */
#define GIT_FILE_MAX       (4ull << 30) /* bytes, of one file that git writes */
#define GIT_FILES_OPEN_MAX 1024
#define GIT_END_MS         2000 /* from SIGTERM to SIGKILL */
#define GIT_SAID_MAX       4096 /* bytes of what git says to its standard error */
#define GIT_PROTOCOL_MAX   128  /* bytes of a Git-Protocol header */

/* Devices. */
#define DEVICE_PEERS_MAX      PEERS_MAX
#define NETLINK_MESSAGE       (16u << 10) /* bytes of one SET: larger ones are split */
#define DUMP_RETRIES          8           /* of a dump that NLM_F_DUMP_INTR or ENOBUFS interrupted */
#define UAPI_REPLY_MAX        (1u << 30)
#define DEVICE_ALLOWED_MAX    (16u << 20) /* allowed IPs of all peers of one interface */
#define DEVICE_ROUTES_MAX     (16u << 20) /* routes, or addresses, of one interface */
#define DEVICE_LINKS_MAX      65536       /* links of one machine */
#define DEVICE_ANSWER_SECONDS 10          /* the kernel, or a userspace implementation, to one request */
#define USERSPACE_START_MS    5000        /* a userspace implementation, from its start to its socket */
#define USERSPACE_END_MS      1000 /* a userspace implementation, from the removal of its link to that of its socket */

/* The language server: what an editor may send it. */
#define LSP_MESSAGE_MAX     (64u << 20) /* bytes of one message: a document in JSON is longer than the document */
#define LSP_HEADER_MAX      4096        /* bytes before a message */
#define LSP_DOCUMENT_MAX    (16u << 20) /* bytes of one open file; longer ones are left alone */
#define LSP_DOCUMENTS_MAX   256         /* open files */
#define LSP_BYTES_MAX       (64u << 20) /* bytes of all open files */
#define LSP_URI_MAX         8192        /* bytes of a file's URI */
#define LSP_COMPLETIONS_MAX 200         /* names in one answer; the editor asks again as the word grows */
#define LSP_DIAGS_MAX       250         /* diagnostics of one file */

/* Our own files. */
#define HINTS_KEPT_MAX 65536       /* hints kept on the disk; in memory there may be one a peer */
#define HINTS_FILE_MAX (64u << 20) /* 580 bytes a hint at most */
#define RESOLVE_MAX    4096        /* endpoints by host name that are resolved, and kept */
#define CONFIG_MAX     (1u << 20)
#define EXCLUDES_MAX   32 /* prefixes of addresses that are not reported */
#define OWN_MOVES_MAX  8  /* earlier addresses of a server at which it still answers */
#define SERVERS_MAX    16 /* in an invitation; the snapshot names them all */
#define INVITATION_MAX (64u << 10)

#endif

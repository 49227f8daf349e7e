/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODPATH_REVISION_H
#define PODPATH_REVISION_H

/* The commit that this was built from, or what git archive would have replaced by it. */
extern const char *const podpath_revision;

#endif

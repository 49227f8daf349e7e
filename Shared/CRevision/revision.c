/* SPDX-License-Identifier: Apache-2.0 */
#include "revision.h"

/* packaging/binaries takes it from git; in an archive git has written it between the dollar signs (.gitattributes).
 * Any other build is of a working tree, which may hold anything, and does not say. */
#ifndef PODPATH_REVISION
#define PODPATH_REVISION "$Format:%H$"
#endif

const char *const podpath_revision = PODPATH_REVISION;

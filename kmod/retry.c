// SPDX-License-Identifier: GPL-2.0
#include "retry.h"

struct gomem_retry gomem_retries[1 << GOMEM_RETRY_BITS];

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compiles the shared header for the host, so that its layout assertions hold on both sides. */
#include "swprof_abi.h"
#include "abi/network.h"

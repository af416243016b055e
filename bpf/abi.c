/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compiles the shared headers for the host, so that their layout assertions hold on both sides. */
#include "abi/common.h"
#include "abi/names.h"
#include "abi/network.h"
#include "abi/offcpu.h"
#include "abi/python.h"
#include "abi/stacks.h"
#include "abi/tables.h"

/* SPDX-License-Identifier: MIT */
/* The sub-command `image`. */
#pragma once

#include <cli/message.h>
#include <cli/options_image.h>

/* `paravane image`: write the image and what else there is to it, and tell what machine it wants. */
enum status __must_check make_image(struct image_options *options);

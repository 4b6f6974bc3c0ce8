/* SPDX-License-Identifier: MIT */
/*
 * The page that tells a new guest where it is: start_info, and the screen description of the initial domain.
 */
#ifndef ABI_START_H
#define ABI_START_H

#include "types.h"

/*
 * `incontents 180 start_info The start_info page
 * `
 * ` The first vCPU finds the virtual address of this structure in rsi, or esi; see [startofday] for the rest
 * ` of its surroundings.  The page lies in ordinary writable memory of the guest, behind the kernel image. {page}
 * `
 * ` magic is "xen-3.0-x86_64" or "xen-3.0-x86_32p", ended by a zero byte. {magic}
 * ` A guest should compare only "xen-" and the number it needs.
 * `
 * ` An event port of 0 means that there is no such channel, and then its ring has nobody at the other end:
 * ` a guest must not wait for an answer. {no-channel}
 */
/* ` enum start_limits { */
#define MAX_GUEST_CMDLINE 1024 /* bytes of a command line, with its final zero */
/* ` } */

struct start_info {
    char magic[32];
    uint64_t nr_pages;    /* frames that the guest has: its pfns are 0 to nr_pages - 1 */
    uint64_t shared_info; /* machine address of struct shared_info, to be mapped by the guest */
    uint32_t flags;       /* => enum start_flags */
    uint32_t _gap0;
    xen_pfn_t store_mfn;        /* machine frame of struct xenstore_domain_interface, see [xenstore_ring] */
    evtchn_port_t store_evtchn; /* event channel to its other end */
    uint32_t _gap1;
    union {
        struct {
            xen_pfn_t mfn;        /* machine frame of struct xencons_interface, see [console_ring] */
            evtchn_port_t evtchn; /* event channel to its other end */
            uint32_t _gap0;
        } domU;
        struct {
            uint32_t info_off;  /* bytes from here to struct dom0_vga_console_info, in the same page */
            uint32_t info_size; /* its length; 0 for none */
        } dom0;                 /* if SIF_INITDOMAIN is set */
    } console;
    uint64_t pt_base;      /* virtual address of the top-level page table, which is pinned */
    uint64_t nr_pt_frames; /* number of page-table pages, contiguous from pt_base */
    uint64_t mfn_list;     /* virtual address of the P2M */
    uint64_t mod_start;    /* virtual address of the ramdisk; its first pfn with SIF_MOD_START_PFN; 0 for none */
    uint64_t mod_len;      /* length of the ramdisk in bytes */
    char cmd_line[MAX_GUEST_CMDLINE]; /* ended by a zero byte; its size: enum start_limits */
    uint64_t first_p2m_pfn; /* with INIT_P2M: first pfn of the P2M and of the tables that map it */
    uint64_t nr_p2m_frames; /* with INIT_P2M: how many frames these are */
};

struct compat_start_info {
    char magic[32];
    uint32_t nr_pages;
    uint32_t shared_info; /* the frame lies below 4 GiB */
    uint32_t flags;       /* => enum start_flags */
    compat_pfn_t store_mfn;
    evtchn_port_t store_evtchn;
    union {
        struct {
            compat_pfn_t mfn;
            evtchn_port_t evtchn;
        } domU;
        struct {
            uint32_t info_off;
            uint32_t info_size;
        } dom0;
    } console;
    uint32_t pt_base;
    uint32_t nr_pt_frames;
    uint32_t mfn_list;
    uint32_t mod_start;
    uint32_t mod_len;
    char cmd_line[MAX_GUEST_CMDLINE];
    uint32_t first_p2m_pfn; /* 0: INIT_P2M is not for 32-bit guests */
    uint32_t nr_p2m_frames;
};

/* ` enum start_flags { */
#define SIF_PRIVILEGED          (1 << 0)    /* may control other domains and the machine */
#define SIF_INITDOMAIN          (1 << 1)    /* the first domain of the machine */
#define SIF_MULTIBOOT_MOD       (1 << 2)    /* mod_start names an array of struct xen_multiboot_mod_list */
#define SIF_MOD_START_PFN       (1 << 3)    /* mod_start is a pfn, and the ramdisk is not mapped */
#define SIF_VIRT_P2M_4TOOLS     (1 << 4)    /* tools can follow the P2M through arch_shared_info.p2m_vaddr */
#define SIF_PM_MASK             (0xff << 8) /* power management: what the initial domain is left to do */
/* ` } */

/*
 * One module of several, in guest-physical addresses, in both widths.
 */
struct xen_multiboot_mod_list {
    uint32_t mod_start; /* first byte */
    uint32_t mod_end;   /* the byte behind the last */
    uint32_t cmdline;   /* address of its command line */
    uint32_t pad;       /* 0 */
};

/*
 * The screen as the machine's loader left it, for the initial domain; in both widths.
 */
struct dom0_vga_console_info {
    uint8_t video_type; /* => enum vga_type */
    uint8_t _gap0[3];
    union {
        struct {
            uint16_t font_height; /* in lines of pixels */
            uint16_t cursor_x;    /* where the cursor stands, in characters */
            uint16_t cursor_y;
            uint16_t rows;        /* size of the screen, in characters */
            uint16_t columns;
        } text_mode_3;
        struct {
            uint16_t width; /* in pixels */
            uint16_t height;
            uint16_t bytes_per_line;
            uint16_t bits_per_pixel;
            uint32_t lfb_base; /* machine address of the frame buffer, low half */
            uint32_t lfb_size; /* its length, in units of 64 KiB */
            uint8_t red_pos;   /* lowest bit and number of bits of each colour */
            uint8_t red_size;
            uint8_t green_pos;
            uint8_t green_size;
            uint8_t blue_pos;
            uint8_t blue_size;
            uint8_t rsvd_pos;
            uint8_t rsvd_size;
            uint32_t gbl_caps;   /* VESA capabilities; 0 for EFI */
            uint16_t mode_attrs; /* VESA mode attributes; 0 for EFI */
            uint16_t pad;
            uint32_t ext_lfb_base; /* high half of the address */
        } vesa_lfb;                /* also for XEN_VGATYPE_EFI_LFB */
    } u;
};

/* ` enum vga_type { */
#define XEN_VGATYPE_TEXT_MODE_3 0x03
#define XEN_VGATYPE_VESA_LFB    0x23
#define XEN_VGATYPE_EFI_LFB     0x70
/* ` } */

#endif /* ABI_START_H */

/* SPDX-License-Identifier: MIT */
/* In order: the places; a device's registers there, of 32 bits each but for the configuration of its type. */
#include <guest/address.h>
#include <guest/guest.h>
#include <guest/print.h>
#include <guest/region.h>
#include <guest/table.h>
#include <backend/mmio.h>
#include <backend/virtio_mmio.h>

#define PLACE_SIZE 0x200u
#define PLACES_MAX 64u /* so many lines a domain can have */

#define MAGIC                 0x000u
#define VERSION               0x004u
#define DEVICE_ID             0x008u
#define DEVICE_FEATURES       0x010u
#define DEVICE_FEATURE_SELECT 0x014u
#define DRIVER_FEATURES       0x020u
#define DRIVER_FEATURE_SELECT 0x024u
#define QUEUE_SELECT          0x030u
#define QUEUE_SIZE_MAX        0x034u
#define QUEUE_SIZE            0x038u
#define QUEUE_READY           0x044u
#define QUEUE_NOTIFY          0x050u
#define INTERRUPT_STATUS      0x060u
#define INTERRUPT_ACKNOWLEDGE 0x064u
#define DEVICE_STATUS         0x070u
#define QUEUE_DESC            0x080u
#define QUEUE_DRIVER          0x090u
#define QUEUE_DEVICE          0x0a0u
#define CONFIG_GENERATION     0x0fcu
#define CONFIG                0x100u

#define MAGIC_VALUE    0x74726976u
#define VERSION_LEGACY 1u
#define VERSION_1      2u

/*
 * ---- Places.
 */

static struct {
    bool looked;
    volatile uint8_t *registers;
    uint64_t maddr;
    unsigned count, line;
} places;

static void look(void)
{
    uint64_t count = guest_option("mmio_count", 0);

    places.looked = true;
    places.maddr = guest_option("mmio", 0);
    places.line = (unsigned)guest_option("mmio_line", 0);
    places.count = count < PLACES_MAX ? (unsigned)count : PLACES_MAX;
    if (places.count == 0)
        return;
    places.registers = region_map(places.maddr, places.count * PLACE_SIZE, PTE_KERNEL | PTE_PCD | PTE_PWT);
    if (!places.registers) {
        print("virtio devices at %lx: cannot be mapped\n", places.maddr);
        places.count = 0;
    }
}

/* The type of the device there, 0: there is none. */
static uint32_t type_of(const volatile uint8_t *registers)
{
    return mmio_read32(registers + MAGIC) == MAGIC_VALUE ? mmio_read32(registers + DEVICE_ID) : 0;
}

static bool is_usable(const volatile uint8_t *registers, uint64_t maddr)
{
    uint32_t version = mmio_read32(registers + VERSION);

    if (version == VERSION_LEGACY)
        print("virtio device at %lx: a legacy one; QEMU needs -global virtio-mmio.force-legacy=false\n", maddr);
    else if (version != VERSION_1)
        print("virtio device at %lx: of version %u, which is not known\n", maddr, version);
    return version == VERSION_1;
}

bool virtio_mmio_next(unsigned *next, struct virtio_place *place)
{
    if (!places.looked)
        look();
    while (*next < places.count) {
        unsigned number = (*next)++;
        volatile uint8_t *registers = places.registers + number * PLACE_SIZE;
        uint64_t maddr = places.maddr + number * PLACE_SIZE;
        uint32_t type = type_of(registers);

        if (type == 0 || !is_usable(registers, maddr))
            continue;
        *place = (struct virtio_place){
            .transport = &virtio_mmio,
            .type = type,
            .maddr = maddr,
            .registers = registers,
            .line = places.line + number,
        };
        return true;
    }
    return false;
}

/*
 * ---- A device.
 */

static uint32_t read(const struct virtio_device *device, unsigned offset)
{
    return mmio_read32(device->place.registers + offset);
}

static void write(const struct virtio_device *device, unsigned offset, uint32_t value)
{
    mmio_write32(device->place.registers + offset, value);
}

static void print_place(const struct virtio_place *place)
{
    print("virtio device %x at %lx", place->type, place->maddr);
}

static bool map(struct virtio_device *device)
{
    device->config = device->place.registers + CONFIG;
    device->config_size = PLACE_SIZE - CONFIG;
    return true;
}

static bool bind(struct virtio_device *device)
{
    device->config_interrupt = device->queue_interrupt = interrupt_bind_line(device->place.line);
    return device->config_interrupt;
}

/* There is no bus between the device and memory. */
static bool connect(struct virtio_device *device)
{
    (void)device;
    return true;
}

static void cut_off(struct virtio_device *device)
{
    (void)device;
}

static void acknowledge(struct virtio_device *device)
{
    write(device, INTERRUPT_ACKNOWLEDGE, read(device, INTERRUPT_STATUS));
}

static uint8_t status(const struct virtio_device *device)
{
    return (uint8_t)read(device, DEVICE_STATUS);
}

static void set_status(struct virtio_device *device, uint8_t value)
{
    write(device, DEVICE_STATUS, value);
}

static uint64_t features(struct virtio_device *device)
{
    uint64_t low;

    write(device, DEVICE_FEATURE_SELECT, 0);
    low = read(device, DEVICE_FEATURES);
    write(device, DEVICE_FEATURE_SELECT, 1);
    return low | (uint64_t)read(device, DEVICE_FEATURES) << 32;
}

static void set_features(struct virtio_device *device, uint64_t value)
{
    for (uint32_t half = 0; half < 2; half++) {
        write(device, DRIVER_FEATURE_SELECT, half);
        write(device, DRIVER_FEATURES, (uint32_t)(value >> (32 * half)));
    }
}

static unsigned queue_size(const struct virtio_device *device, unsigned index)
{
    write(device, QUEUE_SELECT, index);
    return read(device, QUEUE_SIZE_MAX);
}

static void write_address(struct virtio_device *device, unsigned offset, const volatile void *page)
{
    uint64_t maddr = virt_to_maddr(page);

    write(device, offset, (uint32_t)maddr);
    write(device, offset + 4, (uint32_t)(maddr >> 32));
}

/* A queue that is in use already is one that a reset has not reached. */
static bool enable(struct virtio_device *device, struct virtio_queue *queue, unsigned size)
{
    write(device, QUEUE_SELECT, queue->index);
    if (read(device, QUEUE_READY) != 0 || read(device, QUEUE_SIZE_MAX) < size)
        return false;
    write(device, QUEUE_SIZE, size);
    queue->notify = device->place.registers + QUEUE_NOTIFY;
    write_address(device, QUEUE_DESC, queue->ring.desc);
    write_address(device, QUEUE_DRIVER, queue->ring.avail);
    write_address(device, QUEUE_DEVICE, queue->ring.used);
    write(device, QUEUE_READY, 1);
    return true;
}

static void notify(const struct virtio_queue *queue)
{
    mmio_write32(queue->notify, queue->index);
}

static uint32_t generation(const struct virtio_device *device)
{
    return read(device, CONFIG_GENERATION);
}

const struct virtio_transport virtio_mmio = {
    .print = print_place,
    .map = map,
    .bind = bind,
    .connect = connect,
    .cut_off = cut_off,
    .status = status,
    .set_status = set_status,
    .features = features,
    .set_features = set_features,
    .queue_size = queue_size,
    .enable = enable,
    .notify = notify,
    .acknowledge = acknowledge,
    .generation = generation,
};

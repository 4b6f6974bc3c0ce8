/* SPDX-License-Identifier: MIT */
/* console_io: abi/io.h.  Any domain may write; input is for the one that has the console. */
#include <abi/errno.h>
#include <abi/io.h>
#include <engine/access.h>
#include <engine/port.h>
#include <hv/call/calls.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/vcpu.h>
#include <hv/service/console.h>

#define CHUNK 128u

static int64_t write_all(struct hv_vcpu *vcpu, vaddr_t from, uint32_t count)
{
    char chunk[CHUNK];
    uint32_t size;

    for (uint32_t done = 0; done < count && !hv_vcpu_domain(vcpu)->ended; done += size) {
        size = count - done < CHUNK ? count - done : CHUNK;
        if (!access_read(&vcpu->engine, chunk, VADDR(from.v + done), size))
            return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, from.v + done);
        console_write(hv_vcpu_domain(vcpu), chunk, size);
        port_preempt_point();
    }
    return 0;
}

/* As much as there is, which is not much; input that cannot be written to the guest is lost. */
static int64_t read_some(struct hv_vcpu *vcpu, vaddr_t to, uint32_t count)
{
    char chunk[CHUNK];
    uint32_t done = 0;
    size_t size;

    if (count > INT32_MAX)
        return call_refuse(-XEN_E2BIG, WHY_CONSOLE_COUNT, count);
    while (done < count) {
        size = console_read(hv_vcpu_domain(vcpu), chunk, count - done < CHUNK ? count - done : CHUNK);
        if (size == 0)
            break;
        if (!access_write(&vcpu->engine, VADDR(to.v + done), chunk, size))
            return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, to.v + done);
        done += (uint32_t)size;
    }
    return done;
}

int64_t call_console_io(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    uint32_t count = (uint32_t)args[1];

    switch ((uint32_t)args[0]) {
    case CONSOLEIO_write:
        return write_all(vcpu, VADDR(args[2]), count);
    case CONSOLEIO_read:
        return read_some(vcpu, VADDR(args[2]), count);
    default:
        return call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, (uint32_t)args[0]);
    }
}

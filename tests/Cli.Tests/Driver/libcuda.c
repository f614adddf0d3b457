// A stand-in for NVIDIA's driver, for machines without a GPU: it answers as an H100 would, lends the host's memory as the device's, and
// writes down every call that matters, a line each, in the file named by STANDIN_DRIVER_LOG. Copies are done, kernels are not run. What a
// driver refuses is refused: launches beyond the limits or with other parameters than the module declares, memory that is none, and
// inside a capture whatever waits or allocates.
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int Result;
typedef uint64_t Address;

enum {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_DEVICE = 101, INVALID_HANDLE = 400, NOT_FOUND = 500, NOT_READY = 600,
    CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901, CAPTURE_UNMATCHED = 903
};

// The H100's limits, as its driver reports them.
enum { MAX_GROUP = 1024, MAX_GRID_YZ = 65535, STATIC_SHARED = 49152, OPT_IN_SHARED = 232448 };

typedef struct Node { struct Node *next; int is_kernel; void *to; const void *from; size_t bytes; } Node;
typedef struct { int id, kernels, copies; Node *first, **last; } Graph;
typedef struct { int id; } Stream;
typedef struct { int id, captured; } Event;
typedef struct { int id, parameters, max_group; char entry[256]; } Module;
typedef struct { Module *module; int dynamic_shared; } Function;
typedef struct Memory { struct Memory *next; char *start; size_t bytes; } Memory;

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static Memory *memories;
static Stream *capturing;
static Graph *captured;
static int invalidated, streams, events, modules, graphs;
static uint64_t kernels_run;

// How many kernels the device was told to run, those of replayed graphs included.
uint64_t standInKernelsRun(void) { return kernels_run; }

static void note(const char *format, ...)
{
    static FILE *log;
    static int opened;
    pthread_mutex_lock(&gate);
    if (!opened) {
        const char *path = getenv("STANDIN_DRIVER_LOG");
        log = path ? fopen(path, "a") : NULL;
        opened = 1;
    }
    if (log) {
        va_list arguments;
        va_start(arguments, format);
        vfprintf(log, format, arguments);
        va_end(arguments);
        fputc('\n', log);
        fflush(log);
    }
    pthread_mutex_unlock(&gate);
}

static Result refuse(Result why, const char *call)
{
    note("refused call=%s code=%d", call, why);
    return why;
}

// What a capture does not allow makes it worthless.
static int forbids(const char *call)
{
    if (!capturing) return 0;
    invalidated = 1;
    note("refused call=%s code=%d", call, CAPTURE_UNSUPPORTED);
    return 1;
}

static Memory *memory_at(const void *address)
{
    for (Memory *m = memories; m; m = m->next)
        if ((const char *)address >= m->start && (const char *)address < m->start + m->bytes) return m;
    return NULL;
}

static int fits(const void *address, size_t bytes)
{
    Memory *m = memory_at(address);
    return !m || (const char *)address + bytes <= m->start + m->bytes;
}

static void add_node(int is_kernel, void *to, const void *from, size_t bytes)
{
    Node *node = calloc(1, sizeof *node);
    *node = (Node){ NULL, is_kernel, to, from, bytes };
    *captured->last = node;
    captured->last = &node->next;
    if (is_kernel) captured->kernels++; else captured->copies++;
}

// ---- Start, devices, contexts

Result cuInit(unsigned flags) { (void)flags; note("init"); return SUCCESS; }

Result cuDriverGetVersion(int *version)
{
    const char *given = getenv("STANDIN_DRIVER_VERSION");
    *version = given ? atoi(given) : 13000;
    return SUCCESS;
}

Result cuDeviceGetCount(int *count)
{
    const char *given = getenv("STANDIN_DRIVER_DEVICES");
    *count = given ? atoi(given) : 1;
    return SUCCESS;
}

Result cuDeviceGet(int *device, int ordinal) { *device = ordinal; return SUCCESS; }

Result cuDeviceGetName(char *name, int length, int device)
{
    snprintf(name, (size_t)length, "Stand-in H100 %d", device);
    return SUCCESS;
}

Result cuDeviceTotalMem_v2(size_t *bytes, int device) { (void)device; *bytes = (size_t)80 << 30; return SUCCESS; }

Result cuDeviceGetAttribute(int *value, int attribute, int device)
{
    (void)device;
    switch (attribute) {
    case 1: case 2: case 3: *value = MAX_GROUP; break;
    case 4: *value = 64; break;
    case 5: *value = 2147483647; break;
    case 6: case 7: *value = MAX_GRID_YZ; break;
    case 8: *value = STATIC_SHARED; break;
    case 9: case 12: case 82: *value = 65536; break;
    case 10: *value = 32; break;
    case 11: *value = 2147483647; break;
    case 13: *value = 1980000; break;
    case 16: *value = 132; break;
    case 36: *value = 2619000; break;
    case 37: *value = 5120; break;
    case 38: *value = 52428800; break;
    case 39: *value = 2048; break;
    case 40: *value = 3; break;
    case 41: case 83: *value = 1; break;
    case 75: *value = 9; break;
    case 76: *value = 0; break;
    case 81: *value = 233472; break;
    case 97: *value = OPT_IN_SHARED; break;
    case 106: *value = 32; break;
    default: *value = 0; break;
    }
    return SUCCESS;
}

Result cuDeviceCanAccessPeer(int *can, int a, int b) { (void)a; (void)b; *can = 0; return SUCCESS; }
Result cuDeviceGetP2PAttribute(int *value, int a, int b, int c) { (void)a; (void)b; (void)c; *value = 0; return SUCCESS; }
Result cuCtxEnablePeerAccess(void *context, unsigned flags) { (void)context; (void)flags; return SUCCESS; }
Result cuCtxDisablePeerAccess(void *context) { (void)context; return SUCCESS; }

Result cuCtxCreate_v2(void **context, unsigned flags, int device)
{
    (void)flags;
    static int made;
    *context = (void *)(intptr_t)++made;
    note("context device=%d", device);
    return SUCCESS;
}

Result cuCtxDestroy_v2(void *context) { (void)context; return SUCCESS; }
Result cuCtxSetCurrent(void *context) { (void)context; return SUCCESS; }
Result cuCtxGetCacheConfig(int *config) { *config = 0; return SUCCESS; }
Result cuCtxSetCacheConfig(int config) { (void)config; return SUCCESS; }
Result cuCtxGetSharedMemConfig(int *config) { *config = 1; return SUCCESS; }
Result cuCtxSetSharedMemConfig(int config) { (void)config; return SUCCESS; }

Result cuCtxSynchronize(void)
{
    if (forbids("cuCtxSynchronize")) return CAPTURE_UNSUPPORTED;
    note("sync context");
    return SUCCESS;
}

static const struct { Result code; const char *name, *text; } errors[] = {
    { SUCCESS, "CUDA_SUCCESS", "no error" },
    { INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument" },
    { OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory" },
    { INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal" },
    { INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle" },
    { NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found" },
    { CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing" },
    { CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture" },
    { CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "a capture was not begun on this stream" },
};

static Result describe(Result code, int name, const char **text)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].code == code) {
            *text = name ? errors[i].name : errors[i].text;
            return SUCCESS;
        }
    *text = "unknown error";
    return INVALID_VALUE;
}

Result cuGetErrorString(Result code, const char **text) { return describe(code, 0, text); }
Result cuGetErrorName(Result code, const char **text) { return describe(code, 1, text); }

// ---- Memory

Result cuMemGetInfo_v2(size_t *free_bytes, size_t *total) { *free_bytes = *total = (size_t)80 << 30; return SUCCESS; }

// Zeroed, so that what nobody computed is the same in every run.
Result cuMemAlloc_v2(void **address, size_t bytes)
{
    if (forbids("cuMemAlloc")) return CAPTURE_UNSUPPORTED;
    Memory *m = calloc(1, sizeof *m);
    if (!bytes || posix_memalign((void **)&m->start, 256, bytes)) {
        free(m);
        return refuse(bytes ? OUT_OF_MEMORY : INVALID_VALUE, "cuMemAlloc");
    }
    memset(m->start, 0, bytes);
    m->bytes = bytes;
    m->next = memories;
    memories = m;
    *address = m->start;
    note("alloc bytes=%zu", bytes);
    return SUCCESS;
}

Result cuMemFree_v2(void *address)
{
    if (forbids("cuMemFree")) return CAPTURE_UNSUPPORTED;
    for (Memory **at = &memories; *at; at = &(*at)->next)
        if ((*at)->start == address) {
            Memory *m = *at;
            *at = m->next;
            note("free bytes=%zu", m->bytes);
            free(m->start);
            free(m);
            return SUCCESS;
        }
    return address ? refuse(INVALID_VALUE, "cuMemFree") : SUCCESS;
}

Result cuMemAllocHost_v2(void **address, size_t bytes)
{
    if (forbids("cuMemAllocHost")) return CAPTURE_UNSUPPORTED;
    *address = calloc(1, bytes ? bytes : 1);
    note("pin bytes=%zu", bytes);
    return *address ? SUCCESS : OUT_OF_MEMORY;
}

Result cuMemFreeHost(void *address) { free(address); return SUCCESS; }
Result cuMemHostRegister_v2(void *address, size_t bytes, unsigned flags) { (void)address; (void)bytes; (void)flags; return SUCCESS; }
Result cuMemHostUnregister(void *address) { (void)address; return SUCCESS; }
Result cuMemHostGetDevicePointer_v2(void **device, void *host, unsigned flags) { (void)flags; *device = host; return SUCCESS; }
Result cuPointerGetAttribute(void *target, int attribute, Address p) { (void)target; (void)attribute; (void)p; return INVALID_VALUE; }

static Result copy(const char *call, void *to, const void *from, size_t bytes, Stream *stream)
{
    if (!fits(to, bytes) || !fits(from, bytes)) return refuse(INVALID_VALUE, call);
    const char *way = memory_at(to) ? memory_at(from) ? "within" : "to_device" : "to_host";
    if (stream && stream == capturing) {
        add_node(0, to, from, bytes);
        note("node copy=%s bytes=%zu", way, bytes);
        return SUCCESS;
    }
    memcpy(to, from, bytes);
    note("copy way=%s bytes=%zu stream=%d", way, bytes, stream ? stream->id : 0);
    return SUCCESS;
}

Result cuMemcpyAsync(void *to, void *from, size_t bytes, Stream *stream) { return copy("cuMemcpyAsync", to, from, bytes, stream); }
Result cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t bytes, Stream *stream) { return copy("cuMemcpyHtoDAsync", to, from, bytes, stream); }
Result cuMemcpyDtoHAsync_v2(void *to, void *from, size_t bytes, Stream *stream) { return copy("cuMemcpyDtoHAsync", to, from, bytes, stream); }

Result cuMemsetD8Async(void *to, unsigned char value, size_t bytes, Stream *stream)
{
    if (!fits(to, bytes) || stream == capturing) return refuse(INVALID_VALUE, "cuMemsetD8Async");
    memset(to, value, bytes);
    note("set bytes=%zu", bytes);
    return SUCCESS;
}

// ---- Streams and events

Result cuStreamCreate(Stream **stream, unsigned flags)
{
    *stream = calloc(1, sizeof **stream);
    (*stream)->id = ++streams;
    note("stream id=%d flags=%u", (*stream)->id, flags);
    return SUCCESS;
}

Result cuStreamCreateWithPriority(Stream **stream, unsigned flags, int priority) { (void)priority; return cuStreamCreate(stream, flags); }
Result cuStreamDestroy_v2(Stream *stream) { free(stream); return SUCCESS; }

Result cuStreamSynchronize(Stream *stream)
{
    if (forbids("cuStreamSynchronize")) return CAPTURE_UNSUPPORTED;
    note("sync stream=%d", stream ? stream->id : 0);
    return SUCCESS;
}

Result cuStreamQuery(Stream *stream) { (void)stream; return forbids("cuStreamQuery") ? CAPTURE_UNSUPPORTED : SUCCESS; }

Result cuStreamWaitEvent(Stream *stream, Event *event, unsigned flags)
{
    (void)flags;
    note("wait stream=%d event=%d", stream ? stream->id : 0, event->id);
    return SUCCESS;
}

Result cuEventCreate(Event **event, unsigned flags)
{
    (void)flags;
    *event = calloc(1, sizeof **event);
    (*event)->id = ++events;
    return SUCCESS;
}

Result cuEventDestroy_v2(Event *event) { free(event); return SUCCESS; }

Result cuEventRecord(Event *event, Stream *stream)
{
    event->captured = stream && stream == capturing;
    note("event id=%d stream=%d", event->id, stream ? stream->id : 0);
    return SUCCESS;
}

Result cuEventQuery(Event *event) { return event->captured && forbids("cuEventQuery") ? CAPTURE_UNSUPPORTED : SUCCESS; }

Result cuEventSynchronize(Event *event)
{
    if (event->captured && forbids("cuEventSynchronize")) return CAPTURE_UNSUPPORTED;
    note("sync event=%d", event->id);
    return SUCCESS;
}

Result cuEventElapsedTime(float *milliseconds, Event *start, Event *end)
{
    if (start->captured || end->captured) return refuse(INVALID_HANDLE, "cuEventElapsedTime");
    *milliseconds = 1.5f;
    return SUCCESS;
}

Result cuEventElapsedTime_v2(float *milliseconds, Event *start, Event *end) { return cuEventElapsedTime(milliseconds, start, end); }

// ---- Modules and kernels

// Bytes of an entry's parameters, laid out as PTX lays them out.
static int parameter_bytes(const char *at, const char *end)
{
    int bytes = 0;
    while ((at = strstr(at, ".param")) && at < end) {
        int align = 0, size = 0, count = 1, bits = 0;
        char name[512];
        if (sscanf(at, ".param .align %d .b8 %511[^[][%d]", &align, name, &count) == 3) size = 1;
        else if (sscanf(at, ".param .%*[a-z]%d", &bits) == 1) align = size = bits / 8;
        if (align > 0) bytes = (bytes + align - 1) / align * align + size * count;
        at += 6;
    }
    return bytes;
}

static Result load(Module **module, const char *text)
{
    if (forbids("cuModuleLoadData")) return CAPTURE_UNSUPPORTED;
    char version[16] = "?", target[16] = "?";
    Module *made = calloc(1, sizeof *made);
    const char *at = strstr(text, ".version"), *entry = strstr(text, ".entry");
    if (at) sscanf(at, ".version %15s", version);
    if ((at = strstr(text, ".target"))) sscanf(at, ".target %15s", target);
    if (entry && sscanf(entry, ".entry %255[A-Za-z0-9_$]", made->entry) == 1) {
        const char *close = strchr(entry, ')'), *body = strchr(entry, '{');
        made->parameters = close ? parameter_bytes(entry, close) : 0;
        if (close && (at = strstr(close, ".maxntid")) && body && at < body) sscanf(at, ".maxntid %d", &made->max_group);
    }
    made->id = ++modules;
    note("module id=%d version=%s target=%s entry=%s parameters=%d group=%d", made->id, version, target, made->entry, made->parameters, made->max_group);
    const char *folder = getenv("STANDIN_DRIVER_MODULES");
    if (folder) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%d.ptx", folder, made->id);
        FILE *file = fopen(path, "w");
        if (file) {
            fputs(text, file);
            fclose(file);
        }
    }
    *module = made;
    return SUCCESS;
}

Result cuModuleLoadData(Module **module, const char *text) { return load(module, text); }

Result cuModuleLoadDataEx(Module **module, const char *text, unsigned count, int *options, void **values)
{
    (void)count; (void)options; (void)values;
    return load(module, text);
}

Result cuModuleUnload(Module *module) { (void)module; return SUCCESS; }

Result cuModuleGetFunction(Function **function, Module *module, const char *name)
{
    if (strcmp(name, module->entry)) return refuse(NOT_FOUND, "cuModuleGetFunction");
    *function = calloc(1, sizeof **function);
    (*function)->module = module;
    return SUCCESS;
}

Result cuFuncSetAttribute(Function *function, int attribute, int value)
{
    if (attribute == 8) {
        if (value > OPT_IN_SHARED) return refuse(INVALID_VALUE, "cuFuncSetAttribute");
        function->dynamic_shared = value;
    }
    note("attribute kernel=%s id=%d value=%d", function->module->entry, attribute, value);
    return SUCCESS;
}

Result cuFuncGetAttribute(int *value, int attribute, Function *function)
{
    *value = attribute == 0 ? (function->module->max_group ? function->module->max_group : MAX_GROUP) : attribute == 8 ? function->dynamic_shared : 0;
    return SUCCESS;
}

Result cuOccupancyMaxActiveBlocksPerMultiprocessor(int *count, void *function, int group, size_t shared)
{
    (void)function; (void)group; (void)shared;
    *count = 2;
    return SUCCESS;
}

Result cuOccupancyMaxPotentialBlockSize(int *grid, int *group, void *function, void *of_group, size_t shared, int limit)
{
    (void)function; (void)of_group; (void)shared; (void)limit;
    *grid = 264;
    *group = 256;
    return SUCCESS;
}

Result cuLaunchKernel(
    Function *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, Stream *stream, void **list, void **extra)
{
    Module *module = function->module;
    uint64_t group = (uint64_t)bx * by * bz;
    // {1, pointer, 2, pointer to the size, 0}: the form of one buffer with all parameters.
    size_t bytes = extra && extra[0] == (void *)1 && extra[2] == (void *)2 ? *(size_t *)extra[3] : 0;
    int allowed = function->dynamic_shared > STATIC_SHARED ? function->dynamic_shared : STATIC_SHARED;
    if (!gx || !gy || !gz || gx > 2147483647u || gy > MAX_GRID_YZ || gz > MAX_GRID_YZ || !group || group > MAX_GROUP || bz > 64
        || (module->max_group && group > (uint64_t)module->max_group) || shared > (unsigned)allowed
        || (!list && bytes != (size_t)module->parameters))
        return refuse(INVALID_VALUE, "cuLaunchKernel");
    int node = stream && stream == capturing;
    if (node) add_node(1, NULL, NULL, 0); else kernels_run++;
    note("%s kernel=%s grid=%u,%u,%u group=%u,%u,%u shared=%u parameters=%zu stream=%d",
        node ? "node" : "launch", module->entry, gx, gy, gz, bx, by, bz, shared, bytes, stream ? stream->id : 0);
    return SUCCESS;
}

// ---- Capture and graphs

Result cuStreamBeginCapture_v2(Stream *stream, int mode)
{
    if (capturing || !stream) return refuse(INVALID_VALUE, "cuStreamBeginCapture");
    capturing = stream;
    invalidated = 0;
    captured = calloc(1, sizeof *captured);
    captured->last = &captured->first;
    captured->id = ++graphs;
    note("capture stream=%d mode=%d", stream->id, mode);
    return SUCCESS;
}

Result cuStreamIsCapturing(Stream *stream, int *status)
{
    *status = stream != capturing || !stream ? 0 : invalidated ? 2 : 1;
    return SUCCESS;
}

Result cuStreamEndCapture(Stream *stream, Graph **graph)
{
    *graph = NULL;
    if (!stream || stream != capturing) return refuse(CAPTURE_UNMATCHED, "cuStreamEndCapture");
    capturing = NULL;
    if (invalidated) return refuse(CAPTURE_INVALIDATED, "cuStreamEndCapture");
    *graph = captured;
    note("graph id=%d kernels=%d copies=%d", captured->id, captured->kernels, captured->copies);
    return SUCCESS;
}

// A graph is kept for the life of the process: what was made of it lives on when it goes.
Result cuGraphInstantiateWithFlags(Graph **made, Graph *graph, unsigned long long flags)
{
    (void)flags;
    if (forbids("cuGraphInstantiate")) return CAPTURE_UNSUPPORTED;
    *made = graph;
    note("instantiate graph=%d", graph->id);
    return SUCCESS;
}

Result cuGraphLaunch(Graph *graph, Stream *stream)
{
    for (Node *node = graph->first; node; node = node->next)
        if (!node->is_kernel) memcpy(node->to, node->from, node->bytes);
    kernels_run += (uint64_t)graph->kernels;
    note("replay graph=%d kernels=%d copies=%d stream=%d", graph->id, graph->kernels, graph->copies, stream ? stream->id : 0);
    return SUCCESS;
}

Result cuGraphGetNodes(Graph *graph, void **nodes, size_t *count)
{
    if (nodes) return refuse(INVALID_VALUE, "cuGraphGetNodes");
    *count = (size_t)(graph->kernels + graph->copies);
    return SUCCESS;
}

Result cuGraphDestroy(Graph *graph) { (void)graph; return SUCCESS; }
Result cuGraphExecDestroy(Graph *graph) { note("destroy graph=%d", graph->id); return SUCCESS; }

// How the lanes' operations are compiled: into the loops that use them. WEIR_CALL_LANES, of builds
// whose speed is no matter, leaves them functions that are called: what a sanitizer or an emulation
// makes of each takes minutes to compile when it stands everywhere.
#pragma once

#ifdef WEIR_CALL_LANES
#define WEIR_INLINE inline
#else
#define WEIR_INLINE [[gnu::always_inline]] inline
#endif

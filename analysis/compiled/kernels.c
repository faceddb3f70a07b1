/* The loops that NumPy runs in several passes, each in one.

   Every sum has four lanes, added up in one order, and no multiplication is fused with an
   addition: all processors give the same bits. Needs gcc or clang, for vectors of fixed length,
   and a little-endian processor; without it tensorpeek computes the same with NumPy. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#if !defined(__GNUC__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "needs gcc or clang and a little-endian processor"
#endif

#ifndef TENSORPEEK_VERSION
#define TENSORPEEK_VERSION 0 /* hatch_build.py gives a checksum of these sources */
#endif

#define EXPORT __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))
#ifdef TENSORPEEK_CLONES
#define CLONES __attribute__((target_clones(TENSORPEEK_CLONES)))
#else
#define CLONES
#endif

#define LANES 4
#define PIECE 1024 /* values summed before their sum is added to the whole: keeps digits */

typedef double doubles __attribute__((vector_size(32)));
typedef int64_t integers __attribute__((vector_size(32)));
typedef int32_t small_integers __attribute__((vector_size(16)));

EXPORT uint32_t tensorpeek_version(void)
{
    return TENSORPEEK_VERSION;
}

INLINE double total(doubles sum)
{
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

INLINE doubles magnitude_of(doubles values)
{
    return (doubles)((integers)values & INT64_MAX);
}

INLINE doubles choose(integers where, doubles yes, doubles no)
{
    return (doubles)((where & (integers)yes) | (~where & (integers)no));
}

INLINE uint16_t float_bucket(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)(bits >> 16);
}

typedef float float_vector_ __attribute__((vector_size(LANES * sizeof(float))));

INLINE float_vector_ spread_float32(float value)
{
    return (float_vector_){0} + value;
}

INLINE doubles spread_float64(double value)
{
    return (doubles){0} + value;
}

#define REAL float
#define BITS uint32_t
#define NAMED(name) name##_float32
#define EXPONENT 0x7f800000u
#define BUCKET(value) float_bucket(value)
#include "values.inc"

#define REAL double
#define BITS uint64_t
#define NAMED(name) name##_float64
#define EXPONENT 0x7ff0000000000000u
#define BUCKET(value) float_bucket((float)(value))
#include "values.inc"

/* Count on patterns of 16 bits. */
EXPORT void tensorpeek_count_words(const uint16_t *values, int64_t count, int64_t *counts)
{
    for (int64_t at = 0; at < count; at++)
        counts[values[at]]++;
}

/* Count on patterns of 8 bits, in four tables: equal neighbors need not wait for each other. */
EXPORT void tensorpeek_count_bytes(const uint8_t *values, int64_t count, int64_t *counts)
{
    int64_t tables[4][256] = {{0}};
    int64_t at = 0;
    for (; at + 8 <= count; at += 8) {
        uint64_t word;
        memcpy(&word, values + at, sizeof word);
        for (int byte = 0; byte < 8; byte++)
            tables[byte & 3][(word >> 8 * byte) & 255]++;
    }
    for (; at < count; at++)
        tables[0][values[at]]++;
    for (int pattern = 0; pattern < 256; pattern++)
        counts[pattern] += tables[0][pattern] + tables[1][pattern] + tables[2][pattern]
                           + tables[3][pattern];
}

/* Widen the ranges of rows, and of the magnitudes of columns. */
EXPORT CLONES void tensorpeek_ranges(
    const double *values, int64_t rows, int64_t columns, double *low, double *high,
    double *largest)
{
    for (int64_t row = 0; row < rows; row++, values += columns) {
        doubles lowest = spread_float64(low[row]), highest = spread_float64(high[row]);
        int64_t at = 0;
        for (; at + LANES <= columns; at += LANES) {
            const doubles here = load_float64(values + at);
            const doubles size = magnitude_of(here), before = load_float64(largest + at);
            const doubles larger = choose(size > before, size, before);
            lowest = choose(here < lowest, here, lowest);
            highest = choose(here > highest, here, highest);
            memcpy(largest + at, &larger, sizeof larger);
        }
        for (; at < columns; at++) {
            const double here = values[at], size = fabs(here);
            lowest[0] = here < lowest[0] ? here : lowest[0];
            highest[0] = here > highest[0] ? here : highest[0];
            largest[at] = size > largest[at] ? size : largest[at];
        }
        for (int lane = 0; lane < LANES; lane++) {
            low[row] = lowest[lane] < low[row] ? lowest[lane] : low[row];
            high[row] = highest[lane] > high[row] ? highest[lane] : high[row];
        }
    }
}

/* Count on the groups of neighbors in a row with few that are not zero: at most 2 of 4, 1 of 4,
   4 of 8. Values left over at the end of a row belong to no group. */
EXPORT CLONES void tensorpeek_structures(
    const double *values, int64_t rows, int64_t columns, int64_t *kept)
{
    for (int64_t row = 0; row < rows; row++, values += columns) {
        int64_t pairs = 0, single = 0, half = 0;
        for (int64_t at = 0; at + 4 <= columns; at += 4) {
            const double *here = values + at;
            const int used = (here[0] != 0) + (here[1] != 0) + (here[2] != 0) + (here[3] != 0);
            pairs += used <= 2;
            single += used <= 1;
        }
        for (int64_t at = 0; at + 8 <= columns; at += 8) {
            int used = 0;
            for (int lane = 0; lane < 8; lane++)
                used += values[at + lane] != 0;
            half += used <= 4;
        }
        kept[0] += pairs, kept[1] += single, kept[2] += half;
    }
}

#include "grids.inc"

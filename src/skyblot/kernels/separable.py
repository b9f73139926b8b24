"""The one vector kernel: a separable interpolation at one point, written as LLVM vectors.

``value = sum_ij wy_i wx_j source[Y + i, X + j]``, and the weight of each tap is a polynomial of the
fractional offset. Numba does not vectorise this by itself, so an intrinsic emits fixed-width vector code,
which LLVM lowers to AVX-512, AVX2, SSE or NEON.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_ELEMENTS = {types.float32: (ir.FloatType(), "f32", 4), types.float64: (ir.DoubleType(), "f64", 8)}
_I32, _I64 = ir.IntType(32), ir.IntType(64)


def lanes_for(taps: int) -> int:
    """Return the vector width that holds `taps` weights: the next power of two, at least 2."""
    return max(2, 1 << (taps - 1).bit_length())


def static(number: int) -> tuple[int, ...]:
    """Return `number` in a form that a kernel is specialised on: as the length of a tuple.

    A tuple's length is part of its type, so the compiled form is found again by type alone and is cached
    on disk. `numba.literally` would do the same at 30 to 150 ms a call.
    """
    return (0,) * number


class _Vectors:
    """Emits operations on vectors of `width` elements of one float type; `fused` if the processor has FMA."""

    def __init__(self, builder: ir.IRBuilder, element, width: int, fused: bool) -> None:
        self.builder, self.width, self.fused = builder, width, fused
        self.scalar, self.suffix, self.align = _ELEMENTS[element]
        self.type = ir.VectorType(self.scalar, width)

    def load(self, pointer, index):
        place = self.builder.gep(pointer, [index], source_etype=self.scalar)
        return self.builder.load(place, typ=self.type, align=self.align)

    def spread(self, vector, lane: int):
        """All lanes become lane `lane` of `vector`."""
        return self.shuffle(vector, [lane] * self.width)

    def broadcast(self, scalar):
        empty = ir.Constant(self.type, ir.Undefined)
        return self.spread(self.builder.insert_element(empty, scalar, ir.Constant(_I32, 0)), 0)

    def shuffle(self, vector, lanes: list[int]):
        other = ir.Constant(vector.type, ir.Undefined)
        return self.builder.shuffle_vector(vector, other, ir.Constant(ir.VectorType(_I32, len(lanes)), lanes))

    def multiply_add(self, a, b, c):
        """``a * b + c`` rounded once: fused, or without FMA in double precision, which is exact up to the sum.

        Processors thus agree to the last bit or nearly; `llvm.fma` without FMA would be a call for each lane.
        """
        if not self.fused and self.suffix == "f32":
            wide = ir.VectorType(ir.DoubleType(), self.width)
            a, b, c = (self.builder.fpext(value, wide) for value in (a, b, c))
            return self.builder.fptrunc(self.builder.fadd(self.builder.fmul(a, b), c), self.type)
        kind = ir.FunctionType(self.type, [self.type] * 3)
        name = f"llvm.fmuladd.v{self.width}{self.suffix}"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), [a, b, c])

    def keep_first(self, vector, count: int):
        """Zero the lanes from `count` on: what lies beyond the taps (NaN, say) must not enter the sum."""
        if count == self.width:
            return vector
        chosen = [*range(count), *range(self.width, 2 * self.width - count)]
        mask = ir.Constant(ir.VectorType(_I32, self.width), chosen)
        return self.builder.shuffle_vector(vector, ir.Constant(self.type, [0.0] * self.width), mask)

    def sum(self, vector):
        width = self.width
        while width > 1:
            half = width // 2
            low = self.shuffle(vector, list(range(half)))
            high = self.shuffle(vector, list(range(half, width)))
            vector, width = self.builder.fadd(low, high), half
        return self.builder.extract_element(vector, ir.Constant(_I32, 0))


def _has_fma(context) -> bool:
    """Whether the code is compiled for a processor with fused multiply-add; all but old x86 have it."""
    triple, _, features = context.codegen().magic_tuple()
    return not triple.startswith(("x86", "i686")) or "+fma" in features.split(",")


@intrinsic
def separable(typingctx, source, offset, stride, sx, sy, weights, taps, powers):
    """Interpolate at one point: ``separable(source, offset, stride, sx, sy, weights, taps, powers)``.

    `source` is a C-contiguous float array, `offset` the flat index of the first tap, `stride` the row length,
    `sx` and `sy` the fractional offsets, `weights` the (powers, lanes) coefficient table, lowest power
    first, of the source's type. `taps` and `powers` are tuples: their lengths are the numbers meant, known
    when the kernel is compiled (see `static`). The caller guarantees that `lanes` elements can be read from
    the first tap of each of the tap rows.
    """
    count, orders, element = taps.count, powers.count, source.dtype
    signature = element(source, types.int64, types.int64, element, element, weights, taps, powers)

    def codegen(context, builder, sig, args):
        source_, first, stride_, sx_, sy_, weights_, _, _ = args
        vectors = _Vectors(builder, element, lanes_for(count), _has_fma(context))
        pixels = context.make_array(sig.args[0])(context, builder, source_).data
        table = context.make_array(sig.args[5])(context, builder, weights_).data
        rows = [vectors.load(table, ir.Constant(_I64, power * vectors.width)) for power in range(orders)]

        def tap_weights(offset_):
            offset_ = vectors.broadcast(offset_)
            result = rows[-1]
            for row in reversed(rows[:-1]):
                result = vectors.multiply_add(result, offset_, row)
            return result

        wx, wy, total = tap_weights(sx_), tap_weights(sy_), None
        for tap in range(count):
            row, weight = vectors.load(pixels, first), vectors.spread(wy, tap)
            total = builder.fmul(row, weight) if total is None else vectors.multiply_add(row, weight, total)
            first = builder.add(first, stride_)
        return vectors.sum(builder.fmul(vectors.keep_first(total, count), wx))

    return signature, codegen

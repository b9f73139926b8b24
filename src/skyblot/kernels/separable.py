"""The one vector kernel: a separable interpolation at one point, written as LLVM vectors.

``value = sum_ij wy_i wx_j source[Y + i, X + j]``, and the weight of each tap is a polynomial of the
fractional offset. Numba does not vectorise this by itself, so an intrinsic emits fixed-width vector
code, which LLVM lowers to AVX-512, AVX2, SSE or NEON.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .weights import lanes_for

_ELEMENTS = {types.float32: (ir.FloatType(), "f32", 4), types.float64: (ir.DoubleType(), "f64", 8)}
_I32 = ir.IntType(32)
_I64 = ir.IntType(64)


def static(number: int) -> tuple[int, ...]:
    """Return `number` in a form that a kernel is specialised on: as the length of a tuple.

    A tuple's length is part of its type, so the compiled form is found again by type alone and is
    cached on disk. `numba.literally` would do the same at 30 to 150 ms a call.
    """
    return (0,) * number


class _Vectors:
    """Emits operations on vectors of one float type, 1 for a scalar.

    `fused` if the processor has FMA.
    """

    def __init__(self, builder: ir.IRBuilder, element, width: int, fused: bool) -> None:
        self.builder = builder
        self.width = width
        self.fused = fused
        self.scalar, self.suffix, self.align = _ELEMENTS[element]
        self.type = ir.VectorType(self.scalar, width) if width > 1 else self.scalar

    def load(self, pointer, index):
        place = self.builder.gep(pointer, [index], source_etype=self.scalar)
        return self.builder.load(place, typ=self.type, align=self.align)

    def load_scalar(self, pointer, index):
        place = self.builder.gep(pointer, [index], source_etype=self.scalar)
        return self.builder.load(place, typ=self.scalar, align=self.align)

    def broadcast(self, scalar):
        empty = ir.Constant(self.type, ir.Undefined)
        return self.shuffle(
            self.builder.insert_element(empty, scalar, ir.Constant(_I32, 0)), [0] * self.width
        )

    def shuffle(self, vector, lanes: list[int]):
        other = ir.Constant(vector.type, ir.Undefined)
        return self.builder.shuffle_vector(
            vector, other, ir.Constant(ir.VectorType(_I32, len(lanes)), lanes)
        )

    def multiply_add(self, a, b, c):
        """``a * b + c``, rounded once: fused, or in double precision, exact up to the sum.

        Processors thus agree to the last bit or nearly; `llvm.fma` without FMA would be a call for
        each lane.
        """
        if not self.fused and self.suffix == "f32":
            wide = ir.VectorType(ir.DoubleType(), self.width) if self.width > 1 else ir.DoubleType()
            a, b, c = (self.builder.fpext(value, wide) for value in (a, b, c))
            return self.builder.fptrunc(self.builder.fadd(self.builder.fmul(a, b), c), self.type)
        kind = ir.FunctionType(self.type, [self.type] * 3)
        name = (
            f"llvm.fmuladd.v{self.width}{self.suffix}"
            if self.width > 1
            else f"llvm.fmuladd.{self.suffix}"
        )
        return self.builder.call(
            cgutils.get_or_insert_function(self.builder.module, kind, name), [a, b, c]
        )

    def keep_first(self, vector, count: int):
        """Zero the lanes from `count` on: what lies beyond the taps, NaN say, must not count."""
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
            vector = self.builder.fadd(low, high)
            width = half
        return self.builder.extract_element(vector, ir.Constant(_I32, 0))


def _has_fma(context) -> bool:
    """Whether the code is compiled for a processor with fused multiply-add.

    All but old x86 have it.
    """
    triple, _, features = context.codegen().magic_tuple()
    return not triple.startswith(("x86", "i686")) or "+fma" in features.split(",")


@intrinsic
def multiply_add(typingctx, a, b, c):
    """``a * b + c`` for scalars of one float type, rounded as in the vector kernel."""

    def codegen(context, builder, sig, args):
        return _Vectors(builder, sig.return_type, 1, _has_fma(context)).multiply_add(*args)

    return a(a, a, a), codegen


@intrinsic
def prefetch(typingctx, source, offset):
    """Ask for the cache line at a flat index of `source`, to be read soon; any index is allowed."""

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        pointer = builder.gep(data, [args[1]], source_etype=context.get_data_type(source.dtype))
        pointer = builder.bitcast(pointer, ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, _I32, _I32, _I32])
        call = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        read, keep, data_cache = (ir.Constant(_I32, number) for number in (0, 3, 1))
        builder.call(call, [pointer, read, keep, data_cache])
        return context.get_dummy_value()

    return types.void(source, types.int64), codegen


@intrinsic
def separable(typingctx, source, offset, stride, sx, wy, pixel, weights, taps, powers):
    """Interpolate at one point.

    ``separable(source, offset, stride, sx, wy, pixel, weights, taps, powers)``.

    `source` is a C-contiguous float array, `offset` the flat index of the first tap, `stride` the
    row length, `sx` the fractional offset in x, ``wy[:, pixel]`` the weights in y, `weights` the
    (powers, lanes) coefficient table, lowest power first, all of the source's type. `taps` and
    `powers` are tuples: their lengths are the numbers meant, known when the kernel is compiled (see
    `static`). The caller guarantees that `lanes` elements can be read from the first tap of each of
    the tap rows.
    """
    count = taps.count
    orders = powers.count
    element = source.dtype
    signature = element(
        source, types.int64, types.int64, element, wy, types.int64, weights, taps, powers
    )

    def codegen(context, builder, sig, args):
        source_, first, stride_, sx_, wy_, pixel_, weights_, _, _ = args
        vectors = _Vectors(builder, element, lanes_for(count), _has_fma(context))
        pixels = context.make_array(sig.args[0])(context, builder, source_).data
        down = context.make_array(sig.args[4])(context, builder, wy_)
        table = context.make_array(sig.args[6])(context, builder, weights_).data
        width = builder.extract_value(down.shape, 1)

        wx = vectors.load(table, ir.Constant(_I64, (orders - 1) * vectors.width))
        across = vectors.broadcast(sx_)
        for power in range(orders - 2, -1, -1):
            wx = vectors.multiply_add(
                wx, across, vectors.load(table, ir.Constant(_I64, power * vectors.width))
            )

        total = None
        for _ in range(count):
            row = vectors.load(pixels, first)
            weight = vectors.broadcast(vectors.load_scalar(down.data, pixel_))
            total = (
                builder.fmul(row, weight)
                if total is None
                else vectors.multiply_add(row, weight, total)
            )
            first = builder.add(first, stride_)
            pixel_ = builder.add(pixel_, width)
        return vectors.sum(builder.fmul(vectors.keep_first(total, count), wx))

    return signature, codegen

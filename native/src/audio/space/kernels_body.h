// Included once for each variant, by kernels.cpp: defines namespace KERNELS_NAME with vectors of
// KERNELS_LANES floats.
//
// Loops have constant lengths, or handle whole vectors, so that every frame takes the same
// instructions.  No lambdas: GCC would not compile them for the variant's processor.

namespace entrain::space::KERNELS_NAME {

constexpr int kLanes = KERNELS_LANES;
typedef float Vector __attribute__((vector_size(4 * KERNELS_LANES)));
typedef float Loose __attribute__((vector_size(4 * KERNELS_LANES), aligned(4), may_alias));

#define KERNELS_INLINE static inline __attribute__((always_inline))

KERNELS_INLINE Vector load(const float *from) { return *reinterpret_cast<const Loose *>(from); }
KERNELS_INLINE void store(float *to, Vector value) { *reinterpret_cast<Loose *>(to) = value; }

// ---- Fourier transform ---------------------------------------------------------------------------

// One transform of N points in each lane (Stockham, radix 4 and 2).  `a` has N real and imaginary
// vectors by turns; the result is in `a` or in `b`.
template <int N, int Sign, class Twiddle>
KERNELS_INLINE Vector *transform_lanes(Vector *a, Vector *b, const Twiddle *twiddle) {
    int n = N, s = 1;
    while (n > 1) {
        if (n % 4 == 0 && n != 8) {
            const int m = n / 4;
            for (int p = 0; p < m; ++p) {
                const float c1 = twiddle[p * s].cosine, c2 = twiddle[2 * p * s].cosine,
                            c3 = twiddle[3 * p * s].cosine;
                const float s1 = -Sign * twiddle[p * s].sine, s2 = -Sign * twiddle[2 * p * s].sine,
                            s3 = -Sign * twiddle[3 * p * s].sine;
                for (int q = 0; q < s; ++q) {
                    const Vector *x = a + 2 * (q + s * p);
                    const Vector sum_r = x[0] + x[4 * s * m], sum_i = x[1] + x[4 * s * m + 1];
                    const Vector far_r = x[0] - x[4 * s * m], far_i = x[1] - x[4 * s * m + 1];
                    const Vector odd_r = x[2 * s * m] + x[6 * s * m];
                    const Vector odd_i = x[2 * s * m + 1] + x[6 * s * m + 1];
                    const Vector gap_r = x[2 * s * m] - x[6 * s * m];
                    const Vector gap_i = x[2 * s * m + 1] - x[6 * s * m + 1];
                    const Vector turn_r = Sign < 0 ? gap_i : -gap_i;
                    const Vector turn_i = Sign < 0 ? -gap_r : gap_r;
                    Vector *y = b + 2 * (q + s * 4 * p);
                    y[0] = sum_r + odd_r;
                    y[1] = sum_i + odd_i;
                    Vector r = far_r + turn_r, i = far_i + turn_i;
                    y[2 * s] = r * c1 - i * s1;
                    y[2 * s + 1] = r * s1 + i * c1;
                    r = sum_r - odd_r, i = sum_i - odd_i;
                    y[4 * s] = r * c2 - i * s2;
                    y[4 * s + 1] = r * s2 + i * c2;
                    r = far_r - turn_r, i = far_i - turn_i;
                    y[6 * s] = r * c3 - i * s3;
                    y[6 * s + 1] = r * s3 + i * c3;
                }
            }
            n /= 4, s *= 4;
        } else {
            const int m = n / 2;
            for (int p = 0; p < m; ++p) {
                const float c = twiddle[p * s].cosine, sine = -Sign * twiddle[p * s].sine;
                for (int q = 0; q < s; ++q) {
                    const Vector *x = a + 2 * (q + s * p);
                    Vector *y = b + 2 * (q + s * 2 * p);
                    y[0] = x[0] + x[2 * s * m];
                    y[1] = x[1] + x[2 * s * m + 1];
                    const Vector r = x[0] - x[2 * s * m], i = x[1] - x[2 * s * m + 1];
                    y[2 * s] = r * c - i * sine;
                    y[2 * s + 1] = r * sine + i * c;
                }
            }
            n /= 2, s *= 2;
        }
        Vector *const from = a;
        a = b;
        b = from;
    }
    return a;
}

KERNELS_INLINE void transpose(Vector *r) {
#if KERNELS_LANES == 8
    Vector t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; ++j) {
            u[i + 2 * j] =
                __builtin_shufflevector(t[i + j], t[i + 2 + j], 0, 1, 8, 9, 4, 5, 12, 13);
            u[i + 2 * j + 1] =
                __builtin_shufflevector(t[i + j], t[i + 2 + j], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int i = 0; i < 4; ++i) {
        r[i] = __builtin_shufflevector(u[i], u[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        r[i + 4] = __builtin_shufflevector(u[i], u[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
#else
    const Vector a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
    const Vector b = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
    const Vector c = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
    const Vector d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
    r[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    r[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    r[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    r[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
#endif
}

// One complex transform of N points; the result may be where the input is.
template <int N, int Sign>
KERNELS_INLINE void transform(const float *re, const float *im, float *out_re, float *out_im) {
    constexpr int kRows = N / kLanes;
    const TransformTable<N, kLanes> &table = transform_table<N, kLanes>;
    Vector a[2 * kRows], b[2 * kRows];
    for (int n = 0; n < kRows; ++n) {
        a[2 * n] = load(re + kLanes * n);
        a[2 * n + 1] = load(im + kLanes * n);
    }
    const Vector *rows = transform_lanes<kRows, Sign>(a, b, table.rows);
    for (int group = 0; group < kRows / kLanes; ++group) {
        Vector x[kLanes], y[kLanes], z[2 * kLanes], other[2 * kLanes];
        for (int k = 0; k < kLanes; ++k) {
            const int row = group * kLanes + k;
            const Vector c = load(table.cosines[row]);
            const Vector s = Sign < 0 ? load(table.sines[row]) : -load(table.sines[row]);
            const Vector p = rows[2 * row], q = rows[2 * row + 1];
            x[k] = p * c - q * s;
            y[k] = p * s + q * c;
        }
        transpose(x);
        transpose(y);
        for (int lane = 0; lane < kLanes; ++lane) z[2 * lane] = x[lane], z[2 * lane + 1] = y[lane];
        const Vector *columns = transform_lanes<kLanes, Sign>(z, other, table.columns);
        for (int k = 0; k < kLanes; ++k) {
            store(out_re + group * kLanes + kRows * k, columns[2 * k]);
            store(out_im + group * kLanes + kRows * k, columns[2 * k + 1]);
        }
    }
}

// ---- what the space is made of -------------------------------------------------------------------

static void delay(const float *x, const float *k, float *y, int groups) {
    for (int m = 0; m < kGroup * groups; m += kLanes) {
        Vector sum = {};
        for (int j = 0; j < kKernel; ++j) sum += k[j] * load(x + m + j);
        store(y + m, sum);
    }
}

static void glide(const float *x0, const float *k0, const float *x1, const float *k1, float *y) {
    alignas(32) static constexpr float kRamp[kGroup] = {
        1 / 16.F, 2 / 16.F,  3 / 16.F,  4 / 16.F,  5 / 16.F,  6 / 16.F,  7 / 16.F,  8 / 16.F,
        9 / 16.F, 10 / 16.F, 11 / 16.F, 12 / 16.F, 13 / 16.F, 14 / 16.F, 15 / 16.F, 1.F};
    for (int m = 0; m < kGroup; m += kLanes) {
        Vector from = {}, to = {};
        for (int j = 0; j < kKernel; ++j) {
            from += k0[j] * load(x0 + m + j);
            to += k1[j] * load(x1 + m + j);
        }
        store(y + m, from + load(kRamp + m) * (to - from));
    }
}

template <int B>
static void direct(const float *filter, const float *left, const float *right, float *y_left,
                   float *y_right, int groups) {
    constexpr int kVectors = kGroup / kLanes;
    for (int m = 0; m < kGroup * groups; m += kGroup) {
        Vector l[kVectors], r[kVectors];
        for (int v = 0; v < kVectors; ++v) {
            l[v] = load(y_left + m + v * kLanes);
            r[v] = load(y_right + m + v * kLanes);
        }
        for (int k = 0; k < B; ++k)
            for (int v = 0; v < kVectors; ++v) {
                l[v] += filter[2 * k] * load(left + m - k + v * kLanes);
                r[v] += filter[2 * k + 1] * load(right + m - k + v * kLanes);
            }
        for (int v = 0; v < kVectors; ++v) {
            store(y_left + m + v * kLanes, l[v]);
            store(y_right + m + v * kLanes, r[v]);
        }
    }
}

template <int B>
static void direct_mono(const float *filter, const float *x, float *y_left, float *y_right,
                        int groups) {
    constexpr int kVectors = kGroup / kLanes;
    for (int m = 0; m < kGroup * groups; m += kGroup) {
        Vector l[kVectors], r[kVectors];
        for (int v = 0; v < kVectors; ++v) {
            l[v] = load(y_left + m + v * kLanes);
            r[v] = load(y_right + m + v * kLanes);
        }
        for (int k = 0; k < B; ++k)
            for (int v = 0; v < kVectors; ++v) {
                const Vector at = load(x + m - k + v * kLanes);
                l[v] += filter[2 * k] * at;
                r[v] += filter[2 * k + 1] * at;
            }
        for (int v = 0; v < kVectors; ++v) {
            store(y_left + m + v * kLanes, l[v]);
            store(y_right + m + v * kLanes, r[v]);
        }
    }
}

template <int B> static void spectra_of_pair(const float *a, const float *b, float *spectra) {
    constexpr int kBins = bins_of(B), N = 2 * B;
    float re[N + 1], im[N + 1];
    transform<N, -1>(a, b, re, im);
    re[N] = re[0];
    im[N] = im[0];
    for (int k = 0; k <= B; ++k) {
        const float mirrored_re = re[N - k], mirrored_im = im[N - k];
        spectra[k] = 0.5F * (re[k] + mirrored_re);
        spectra[kBins + k] = 0.5F * (im[k] - mirrored_im);
        spectra[2 * kBins + k] = 0.5F * (im[k] + mirrored_im);
        spectra[3 * kBins + k] = 0.5F * (mirrored_re - re[k]);
    }
}

template <int B, int Ears>
KERNELS_INLINE void multiply_ears(const float *spectra, const float *filter, float *sum) {
    constexpr int kBins = bins_of(B);
    for (int ear = 0; ear < 2; ++ear) {
        const float *x = spectra + (Ears == 2 ? 2 * ear * kBins : 0), *h = filter + 2 * ear * kBins;
        float *y = sum + 2 * ear * kBins;
        for (int k = 0; k < kBins; k += kLanes) {
            const Vector xr = load(x + k), xi = load(x + kBins + k);
            const Vector hr = load(h + k), hi = load(h + kBins + k);
            Vector r = load(y + k), i = load(y + kBins + k);
            r += xr * hr;
            r -= xi * hi;
            i += xr * hi;
            i += xi * hr;
            store(y + k, r);
            store(y + kBins + k, i);
        }
    }
}

template <int B> static void multiply(const float *spectra, const float *filter, float *sum) {
    multiply_ears<B, 2>(spectra, filter, sum);
}

template <int B> static void multiply_mono(const float *spectrum, const float *filter, float *sum) {
    multiply_ears<B, 1>(spectrum, filter, sum);
}

template <int B> static void invert(const float *sum, float *left, float *right) {
    constexpr int kBins = bins_of(B), N = 2 * B;
    const float *lr = sum, *li = sum + kBins, *rr = sum + 2 * kBins, *ri = sum + 3 * kBins;
    float re[N], im[N];
    for (int k = 0; k <= B; ++k) {
        re[k] = lr[k] - ri[k];
        im[k] = li[k] + rr[k];
    }
    for (int k = 1; k < B; ++k) {
        re[N - k] = lr[k] + ri[k];
        im[N - k] = rr[k] - li[k];
    }
    transform<N, +1>(re, im, re, im);
    for (int k = 0; k < B; k += kLanes) {
        store(left + k, load(re + B + k));
        store(right + k, load(im + B + k));
    }
}

static void encode(const float *x, const float *from, const float *to, const float *ramp,
                   float *const *channels, int count, int groups) {
    for (int c = 0; c < count; ++c) {
        float *const y = channels[c];
        const float begin = from[c], way = to[c] - from[c];
        for (int m = 0; m < kGroup * groups; m += kLanes) {
            const Vector gain = begin + way * load(ramp + m);
            store(y + m, load(y + m) + gain * load(x + m));
        }
    }
}

template <int B>
static void blend(const float *const *filters, const float *weights, int count, float *y) {
    constexpr int kFloats = filter_floats(B);
    static_assert(kFloats % 8 == 0);
    for (int k = 0; k < kFloats; k += kLanes) {
        Vector sum = weights[0] * load(filters[0] + k);
        for (int i = 1; i < count; ++i) sum += weights[i] * load(filters[i] + k);
        store(y + k, sum);
    }
}

template <int B> constexpr Kernels kernels{
    &delay, &glide, &direct<B>, &direct_mono<B>, &spectra_of_pair<B>, &multiply<B>,
    &multiply_mono<B>, &invert<B>, &encode, &blend<B>};

#undef KERNELS_INLINE

}  // namespace entrain::space::KERNELS_NAME

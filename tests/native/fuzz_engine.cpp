// Fuzzer (libFuzzer): calls the C ABI of one engine, and compares the engine with a model.
//
// Each call is a letter and its operands; any other byte counts as one of the letters.  In addition
// to the sanitizers' checks: every status is as documented, refused calls change nothing,
// parameters stay in their ranges, the session's clock is right, and the sound has these
// properties:
//   - it is finite, and never exceeds the limiter's ceiling except in bypass
//   - in bypass it equals the input bit for bit, after the latency, which only the rate changes

#include "fuzz_blocks.h"
#include "fuzz_hostile.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <utility>

namespace {

constexpr double kEver = std::numeric_limits<double>::infinity();
constexpr double kFadedSeconds = 0.0205;  // after this, a bypass fade is over
constexpr std::uint32_t kHistory = 1024;  // frames; more than any latency
constexpr std::uint64_t kMostWork = 120'000;  // frames times layers in one run
constexpr std::uint32_t kMostLayers = 12;

class Run {
public:
    Run(const std::uint8_t *data, std::size_t size) : bytes_(data, size) {
        rate_hz_ = any_rate(bytes_);
        const bool right = is_rate(rate_hz_);
        require(entrain_create(rate_hz_, &engine_) == (right ? ENTRAIN_OK : ENTRAIN_E_ARGUMENT),
                "an engine is made at a rate in range");
        if (!right) return;
        layers_[ENTRAIN_LAYER_INPUT] = fresh(kind_named("pre"));
        layers_[ENTRAIN_LAYER_OUTPUT] = fresh(kind_named("limiter"));
        while (!bytes_.empty() && work_ < kMostWork) step();
        check_parameters();
    }
    ~Run() { entrain_destroy(engine_); }
    Run(const Run &) = delete;
    Run &operator=(const Run &) = delete;

private:
    struct Layer {
        const Kind *kind;
        std::vector<Described> parameters;
        std::vector<float> targets;
        bool placed = false;
    };

    static Layer fresh(const Kind &kind) {
        Layer layer{&kind, kind.parameters, {}, false};
        for (const Described &each : layer.parameters) layer.targets.push_back(each.initial);
        return layer;
    }
    void step() {
        constexpr char letters[] = "LLSSSSAARRRPPPPPPPPGFKBYNTCMEOZHUQQJ";
        const std::uint8_t byte = bytes_.byte();
        const bool known = byte >= 'A' && byte <= 'Z';
        switch (known ? byte : letters[byte % (sizeof letters - 1)]) {
            case 'L': add_layer(); break;
            case 'S': set_parameter(); break;
            case 'A': automate(); break;
            case 'R': route(); break;
            case 'P': process(); break;
            case 'G': run_session(); break;
            case 'F': seek_session(); break;
            case 'K': set_rate(); break;
            case 'B': bypass_ = static_cast<int>(bytes_.below(3));
                      entrain_set_bypass(engine_, bypass_); break;
            case 'Y': entrain_set_playing(engine_, static_cast<int>(bytes_.below(2))); break;
            case 'N': entrain_set_standalone(engine_, static_cast<int>(bytes_.below(2))); break;
            case 'T': read_tap(); break;
            case 'C': read_all(); break;
            case 'M': measure(); break;
            case 'E': entrain_reset_loudness(engine_); break;
            case 'H':
                hostile(bytes_, engine_, any_layer());
                check_parameters();
                break;
            case 'U': use_head(); break;
            case 'Q': place(); break;
            case 'J': any_turn(bytes_, engine_); break;
            case 'O': work_ += run_block(bytes_); break;
            default: break;
        }
        check_latency();
    }

    // ---- operands ------------------------------------------------------------------------

    std::uint32_t any_layer() {
        const std::uint8_t which = bytes_.byte();
        if (which > 250) return bytes_.raw<std::uint32_t>();
        if (which > 225) return bytes_.below(newest_ + 2);  // may be the number of a freed layer
        auto found = layers_.begin();
        std::advance(found, which % layers_.size());
        return found->first;
    }

    Place any_symbol(std::uint32_t layer) {
        const auto found = layers_.find(layer);
        return pick_symbol(bytes_, found == layers_.end() ? std::vector<Described>{}
                                                  : found->second.parameters);
    }

    // ---- layers of a protocol ------------------------------------------------------------

    void add_layer() {
        const std::uint8_t which = bytes_.byte();
        const Kind &kind = kinds()[which % kinds().size()];
        const bool named = which <= 240;
        if (layers_.size() >= kMostLayers) return;
        std::uint32_t number = 0;
        const entrain_status status =
            entrain_add_layer(engine_, named ? kind.name.c_str() : "no_such_kind", &number);
        require(status == (named && kind.layer ? ENTRAIN_OK : ENTRAIN_E_KIND),
                "a layer is made of a generator or a processor");
        if (status != ENTRAIN_OK) return check_parameters();
        require(number > newest_, "numbers are not used twice");
        newest_ = number;
        layers_[number] = fresh(kind);
    }

    void set_parameter() {
        const std::uint32_t number = any_layer();
        const Place place = any_symbol(number);
        const auto value = bytes_.number<float>(double{place.parameter.minimum},
                                                double{place.parameter.maximum});
        const auto seconds = bytes_.byte() < 160 ? 0.0F : bytes_.number<float>(0.0, 0.2);
        const entrain_status status = entrain_set_parameter(
            engine_, number, place.parameter.symbol.c_str(), value, seconds);
        const auto found = layers_.find(number);
        const entrain_status expected =
            !(seconds >= 0.0F && seconds <= 86400.0F)                ? ENTRAIN_E_RANGE
            : found == layers_.end()                                 ? ENTRAIN_E_LAYER
            : place.index == found->second.parameters.size()         ? ENTRAIN_E_PARAMETER
            : !found->second.parameters[place.index].accepts(double{value}) ? ENTRAIN_E_RANGE
                                                                            : ENTRAIN_OK;
        require(status == expected, "set_parameter's status");
        if (status == ENTRAIN_OK) found->second.targets[place.index] = value;
        check_parameters();
    }

    void automate() {
        const std::uint32_t number = any_layer();
        const Place place = any_symbol(number);
        const double loop_s = bytes_.byte() < 128 ? 0.0 : bytes_.number<double>(0.0, 0.5);
        std::vector<entrain_point> points(bytes_.below(6));
        double at = 0.0;
        for (entrain_point &point : points) {
            at += bytes_.number<double>(0.0, 0.1);
            point = {at,
                     bytes_.number<double>(double{place.parameter.minimum},
                                           double{place.parameter.maximum}),
                     static_cast<std::int32_t>(bytes_.byte() % 21 % 5)};
        }
        const entrain_status status =
            entrain_automate(engine_, number, place.parameter.symbol.c_str(), points.data(),
                             static_cast<std::uint32_t>(points.size()), loop_s);
        const auto found = layers_.find(number);
        if (number < ENTRAIN_LAYER_FIRST || found == layers_.end())
            require(status == ENTRAIN_E_LAYER, "automation of an unknown layer is refused");
        else if (place.index == found->second.parameters.size())
            require(status == ENTRAIN_E_PARAMETER, "automation of an unknown parameter is refused");
        else
            require(status == ENTRAIN_OK || status == ENTRAIN_E_RANGE, "automate's status");
        for (const entrain_point &point : points)
            if (!place.parameter.accepts(point.value) || !(point.seconds >= 0.0))
                require(status != ENTRAIN_OK, "breakpoints are in range");
        check_parameters();
    }

    void route() {
        std::vector<std::uint32_t> wanted(bytes_.below(8));
        for (std::uint32_t &number : wanted) number = any_layer();
        // Mostly a valid value.
        if (bytes_.byte() < 224) {
            std::set<std::uint32_t> seen;
            wanted.erase(std::remove_if(wanted.begin(), wanted.end(),
                                        [&](std::uint32_t number) {
                                            return number < ENTRAIN_LAYER_FIRST ||
                                                   !seen.insert(number).second;
                                        }),
                         wanted.end());
        }
        const bool restart = bytes_.byte() % 4 == 0;
        const std::set<std::uint32_t> different(wanted.begin(), wanted.end());
        const auto spaces = std::count_if(wanted.begin(), wanted.end(), [this](auto number) {
            return layers_.count(number) && layers_.at(number).kind->space;
        });
        const bool good = different.size() == wanted.size() && spaces <= 1 &&
                          std::all_of(wanted.begin(), wanted.end(), [this](std::uint32_t number) {
                              return number >= ENTRAIN_LAYER_FIRST && layers_.count(number);
                          });
        const entrain_status status = entrain_route(
            engine_, wanted.data(), static_cast<std::uint32_t>(wanted.size()), restart);
        require(status == (good ? ENTRAIN_OK : ENTRAIN_E_LAYER), "route's status");
        if (good) {
            for (auto each = layers_.begin(); each != layers_.end();) {
                const std::uint32_t number = each->first;
                const bool stays = number < ENTRAIN_LAYER_FIRST || different.count(number);
                each = stays ? std::next(each) : layers_.erase(each);
                if (stays) continue;
                float value = 0.0F;
                require(entrain_get_parameter(engine_, number, "amount", 1, &value) ==
                            ENTRAIN_E_LAYER, "layers that are no longer routed are freed");
            }
            order_ = wanted;
            for (const std::uint32_t number : order_) give_amount(layers_.at(number));
            if (restart) {
                session_s_ = 0.0;
                session_runs_ = true;
            }
        }
        check_parameters();
    }

    // The description lists every parameter of a block, including the engine's "amount".
    static void give_amount(const Layer &layer) {
        require(std::any_of(layer.parameters.begin(), layer.parameters.end(),
                            [](const Described &each) { return each.symbol == "amount"; }),
                "a routed layer has an amount");
    }

    void run_session() {
        session_runs_ = bytes_.below(2) == 1;
        entrain_run_session(engine_, session_runs_);
    }

    void seek_session() {
        const auto seconds = bytes_.number<double>(0.0, bytes_.below(2) ? 604800.0 : 1.0);
        const bool right = seconds >= 0.0 && seconds <= 604800.0;
        require(entrain_seek_session(engine_, seconds) == (right ? ENTRAIN_OK : ENTRAIN_E_RANGE),
                "seek's status");
        if (right) session_s_ = seconds;
    }

    void set_rate() {
        const std::uint32_t wanted = any_rate(bytes_);
        const entrain_status status = entrain_set_rate(engine_, wanted);
        require(status == (is_rate(wanted) ? ENTRAIN_OK : ENTRAIN_E_ARGUMENT), "set_rate's status");
        if (status == ENTRAIN_OK) {
            rate_hz_ = wanted;
            session_tolerance_s_ += 2.0 / 8000.0;
            work_ += 2000;
        }
        check_parameters();
    }

    // ---- space ---------------------------------------------------------------------------

    void use_head() {
        entrain_head *head = any_head(bytes_);
        require(entrain_use_head(engine_, head) == ENTRAIN_OK, "an engine takes a head or none");
        entrain_head_destroy(head);
        work_ += 4000;
        check_parameters();
    }

    void place() {
        const std::uint32_t number = any_layer();
        const bool wanted = bytes_.below(4) != 0;
        const auto found = layers_.find(number);
        const bool generator = found != layers_.end() && found->second.kind->generator;
        const auto placed = std::count_if(layers_.begin(), layers_.end(),
                                          [](const auto &each) { return each.second.placed; });
        const bool fresh = generator && wanted && !found->second.placed;
        require(entrain_place(engine_, number, wanted) ==
                    (!generator                                ? ENTRAIN_E_LAYER
                     : fresh && found->second.kind->dichotic   ? ENTRAIN_E_KIND
                     : fresh && placed >= ENTRAIN_MOST_PLACED ? ENTRAIN_E_FULL
                                                               : ENTRAIN_OK),
                "place's status");
        if (generator && !(fresh && (found->second.kind->dichotic || placed >= ENTRAIN_MOST_PLACED)))
            found->second.placed = wanted;
    }

    // ---- sound ---------------------------------------------------------------------------

    void process() {
        const std::uint8_t size = bytes_.byte();
        const std::uint32_t frames = size < 128 ? size : 64U * (size - 127U);
        const std::uint8_t shape = bytes_.byte();
        std::array<std::vector<float>, 2> in, out;
        const float *source[2];
        float *sink[2];
        for (std::size_t c = 0; c < 2; ++c) {
            in[c].resize(frames);
            out[c].resize(frames, std::numeric_limits<float>::quiet_NaN());
            Signal(bytes_.byte() % Signal::kKinds, size + shape).fill(in[c]);
            source[c] = in[c].data();
            sink[c] = out[c].data();
        }
        const std::array<std::vector<float>, 2> input = in;
        const bool in_place = shape % 8 == 1, deaf = shape % 8 == 2, mute = shape % 8 == 3;
        if (in_place)
            for (std::size_t c = 0; c < 2; ++c) sink[c] = in[c].data();
        if (deaf) source[0] = nullptr;
        if (mute) sink[1] = nullptr;

        const double before_db = ceiling_db();
        entrain_process(engine_, source, sink, frames);
        if (frames == 0) return;
        highest_db_ = std::max({highest_db_, before_db, ceiling_db()});
        work_ += frames * (2 + order_.size());
        if (first_) off_s_ = exact_s_ = kEver;
        first_ = false;
        const auto ceiling = static_cast<float>(
            std::pow(10.0, std::max(highest_db_, former_highest_db_) / 20.0) * (1.0 + 1e-6));
        const std::uint32_t latency = entrain_latency_frames(engine_);
        for (std::uint32_t i = 0; i < frames; ++i) {
            off_s_ = bypass_ == ENTRAIN_BYPASS_OFF ? off_s_ + 1.0 / rate_hz_ : 0.0;
            exact_s_ = bypass_ == ENTRAIN_BYPASS_EXACT ? exact_s_ + 1.0 / rate_hz_ : 0.0;
            for (std::size_t c = 0; c < 2; ++c) {
                float value = deaf && c == 0 ? 0.0F : input[c][i];
                if (!std::isfinite(value)) {
                    value = 0.0F;
                    ++nonfinite_;
                }
                history_[c][(frames_ + i) % kHistory] = std::clamp(value, -16.0F, 16.0F);
                if (!sink[c]) continue;
                check_sample(sink[c][i], history_[c][(frames_ + i - latency) % kHistory], ceiling);
            }
        }
        frames_ += frames;
        ++cycles_;
        if ((stretch_ += frames) > kHistory) {
            former_highest_db_ = std::exchange(highest_db_, -kEver);
            stretch_ = 0;
        }
        if (session_runs_) session_s_ += static_cast<double>(frames) / rate_hz_;
        check_session();
        check_parameters();
        std::vector<float> tap(2 * std::size_t{frames});
        require(entrain_read_tap(engine_, 0, frames_ - frames, tap.data(), frames) == ENTRAIN_OK,
                "the latest output can be read");
        for (std::uint32_t i = 0; i < frames; ++i)
            for (std::size_t c = 0; c < 2; ++c)
                require(!sink[c] || tap[2 * i + c] == sink[c][i], "the tap has the output");
    }

    void check_sample(float out, float dry, float ceiling) const {
        require(std::isfinite(out), "the output is finite");
        // A cross-fade is never louder than the louder of its two signals.
        require(std::fabs(out) <= std::max(std::fabs(dry) * (1.0F + 1e-6F), ceiling),
                "the output exceeds neither ceiling nor input");
        if (off_s_ > kFadedSeconds)
            require(std::fabs(out) <= ceiling, "the output does not exceed the limiter's ceiling");
        if (exact_s_ > kFadedSeconds)  // the callback flushes denormals
            require(out == dry || (std::fabs(dry) < FLT_MIN && std::fabs(out) < FLT_MIN),
                    "in bypass the output equals the input");
    }

    double ceiling_db() const {
        float value = 0.0F;
        require(entrain_get_parameter(engine_, ENTRAIN_LAYER_OUTPUT, "ceiling_db", 0, &value) ==
                    ENTRAIN_OK, "the limiter has a ceiling");
        return double{value};
    }

    // ---- readable state ------------------------------------------------------------------

    void check_parameters() const {
        for (const auto &[number, layer] : layers_) {
            for (std::size_t i = 0; i < layer.parameters.size(); ++i) {
                const Described &each = layer.parameters[i];
                float target = 0.0F, now = 0.0F;
                const char *symbol = each.symbol.c_str();
                require(entrain_get_parameter(engine_, number, symbol, 1, &target) == ENTRAIN_OK &&
                            entrain_get_parameter(engine_, number, symbol, 0, &now) == ENTRAIN_OK,
                        "parameters can be read");
                require(target == layer.targets[i], "a target is the last accepted value");
                if (!each.accepts(double{now}))
                    std::fprintf(stderr, "== %s.%s is %g\n", layer.kind->name.c_str(), symbol,
                                 double{now});
                require(each.accepts(double{now}), "a parameter stays in its range");
            }
        }
    }

    void check_session() {
        double seconds = -1.0;
        int runs = -1;
        entrain_read_session(engine_, &seconds, &runs);
        require((runs == 1) == session_runs_, "the session runs or pauses as last requested");
        if (!(std::fabs(seconds - session_s_) <= session_tolerance_s_))
            std::fprintf(stderr, "== session at %.9g s, not %.9g s\n", seconds, session_s_);
        require(std::fabs(seconds - session_s_) <= session_tolerance_s_, "the session's clock");
    }

    void check_latency() const {
        static std::map<std::uint32_t, std::uint32_t> known;
        const std::uint32_t latency = entrain_latency_frames(engine_);
        require(entrain_rate(engine_) == rate_hz_, "the rate is the last accepted one");
        require(latency < kHistory, "the latency is short");
        require(known.emplace(rate_hz_, latency).first->second == latency,
                "only the rate changes the latency");
    }

    void read_all() {
        entrain_stats stats;
        entrain_read_stats(engine_, &stats);
        require(stats.frames == frames_ && stats.cycles == cycles_ &&
                    stats.nonfinite == nonfinite_, "processed frames are counted");
        entrain_levels levels;
        entrain_read_levels(engine_, &levels);
        for (const auto *level : {levels.in_rms, levels.in_peak, levels.out_rms, levels.out_peak})
            for (std::size_t c = 0; c < 2; ++c)
                require(level[c] >= 0.0F && level[c] <= 16.0F, "levels are in range");
        entrain_loudness in, out;
        entrain_read_loudness(engine_, &in, &out);
        for (const entrain_loudness &each : {in, out})
            for (const float lufs :
                 {each.momentary_lufs, each.short_term_lufs, each.integrated_lufs})
                require(lufs < 40.0F, "loudness is a number, or -inf");
        require(entrain_is_quiet(engine_) / 2 == 0, "quiet or not");
    }

    void read_tap() {
        std::vector<float> samples(2 * std::size_t{bytes_.raw<std::uint16_t>()} + 2);
        const auto frames = static_cast<std::uint32_t>(samples.size() / 2);
        const std::uint64_t first = bytes_.below(2) ? frames_ - bytes_.raw<std::uint16_t>()
                                                    : bytes_.raw<std::uint64_t>();
        const bool there = frames <= frames_ && first <= frames_ - frames &&
                           frames_ - first <= 65536;
        const entrain_status status =
            entrain_read_tap(engine_, bytes_.below(2) == 1, first, samples.data(), frames);
        require(status == (there ? ENTRAIN_OK : ENTRAIN_E_OVERRUN), "read_tap's status");
        if (!there) return;
        for (const float sample : samples) require(std::isfinite(sample), "taps are finite");
    }

    void measure() {
        entrain_promise promise{};
        for (double *value : {&promise.tone_hz[0], &promise.tone_hz[1], &promise.modulation_hz,
                              &promise.corner_hz, &promise.interaural_hz})
            *value = bytes_.below(2) ? bytes_.number<double>(0.0, 500.0) : 0.0;
        if (++measured_ > 2) return;  // measuring is slow
        entrain_measurement got{};
        const entrain_status status = entrain_measure(engine_, &promise, &got);
        if (status != ENTRAIN_OK) return;
        require(std::isfinite(got.beat_hz) && std::isfinite(got.modulation_hz) &&
                    std::isfinite(got.interaural_hz), "measurements are finite");
        require(got.coherence >= 0.0 && got.coherence <= 1.0 + 1e-9, "coherence is a share");
        for (std::size_t ear = 0; ear < 2; ++ear)
            require(std::isfinite(got.tone_hz[ear]) && std::isfinite(got.tone_db[ear]) &&
                        std::isfinite(got.index[ear]) && std::isfinite(got.index_floor[ear]),
                    "measurements of an ear are finite");
    }

    Bytes bytes_;
    entrain_engine *engine_ = nullptr;
    // Model of the engine:
    std::map<std::uint32_t, Layer> layers_;
    std::vector<std::uint32_t> order_;
    std::uint32_t newest_ = ENTRAIN_LAYER_OUTPUT;
    std::uint32_t rate_hz_ = 0;
    std::uint64_t frames_ = 0, cycles_ = 0, nonfinite_ = 0, work_ = 0;
    std::uint32_t measured_ = 0;
    int bypass_ = ENTRAIN_BYPASS_OFF;
    bool first_ = true;  // nothing has been processed yet
    double off_s_ = 0.0, exact_s_ = 0.0;  // how long the present bypass mode has lasted
    double session_s_ = 0.0;
    bool session_runs_ = false;
    double session_tolerance_s_ = 2.0 / 8000.0;
    // Highest ceiling in the present stretch of more than kHistory frames, and in the last one.
    double highest_db_ = -kEver, former_highest_db_ = -kEver;
    std::uint32_t stretch_ = 0;
    std::array<std::array<float, kHistory>, 2> history_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const Run run(data, size);
    return 0;
}

// The three base types of code that FAUST generates.  Written for Entrain, so that FAUST's own
// headers are not needed.
#pragma once

#define FAUSTFLOAT float

struct Soundfile;
namespace entrain {
struct Surroundings;
}

struct Meta {
    virtual ~Meta() = default;
    virtual void declare(const char *key, const char *value) = 0;
};

struct UI {
    virtual ~UI() = default;
    virtual void openTabBox(const char *) {}
    virtual void openHorizontalBox(const char *) {}
    virtual void openVerticalBox(const char *) {}
    virtual void closeBox() {}
    virtual void addButton(const char *label, float *zone) = 0;
    virtual void addCheckButton(const char *label, float *zone) = 0;
    virtual void addVerticalSlider(const char *label, float *zone, float initial, float minimum,
                                   float maximum, float step) = 0;
    virtual void addHorizontalSlider(const char *label, float *zone, float initial, float minimum,
                                     float maximum, float step) = 0;
    virtual void addNumEntry(const char *label, float *zone, float initial, float minimum,
                             float maximum, float step) = 0;
    virtual void addHorizontalBargraph(const char *label, float *zone, float low, float high) = 0;
    virtual void addVerticalBargraph(const char *label, float *zone, float low, float high) = 0;
    virtual void addSoundfile(const char *, const char *, Soundfile **) {}
    virtual void declare(float *, const char *, const char *) {}
};

struct dsp {
    // Chooses the sound of random parts: a block's instances with different numbers are independent.
    // Must not change after the first compute(); entrain.lib reads it.
    int variant = 0;

    virtual ~dsp() = default;
    virtual int getNumInputs() = 0;
    virtual int getNumOutputs() = 0;
    virtual void buildUserInterface(UI *ui) = 0;
    virtual int getSampleRate() = 0;
    virtual void init(int rate_hz) = 0;
    virtual void instanceInit(int rate_hz) = 0;
    virtual void instanceConstants(int rate_hz) = 0;
    virtual void instanceResetUserInterface() = 0;
    virtual void instanceClear() = 0;
    virtual dsp *clone() = 0;
    virtual void metadata(Meta *meta) = 0;
    // [audio] Take over the state of `former`, an object of the same class, at this sample rate.
    virtual void resume(const dsp &/*former*/, int /*rate_hz*/) noexcept {}
    // [audio] For a block of the group "space": describes the piece that the next calls of compute()
    // are for.  The description lasts until the next piece.
    virtual void surround(const entrain::Surroundings &) noexcept {}
    virtual void compute(int frames, float **inputs, float **outputs) = 0;
};

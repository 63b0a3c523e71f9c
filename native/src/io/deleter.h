// Owners of a C library's objects.
#pragma once

namespace entrain::io {

// For std::unique_ptr: frees with a function of the library.
template <auto function>
struct Deleter {
    template <typename T>
    void operator()(T *object) const noexcept {
        function(object);
    }
};

}  // namespace entrain::io

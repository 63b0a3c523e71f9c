// A deleter for std::unique_ptr that calls a C library's function.
#pragma once

namespace entrain::io {

// std::unique_ptr<Object, Deleter<object_free>> frees with object_free().
template <auto function>
struct Deleter {
    template <typename T>
    void operator()(T *object) const noexcept {
        function(object);
    }
};

}  // namespace entrain::io

"""Widgets that show what the session holds: an old value that the browser repeats is nobody's wish."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page() -> None:
    """One parameter of a run, and a way to change it from elsewhere."""
    import streamlit as st

    from avexplore.ui.settings import driven

    state = st.session_state
    state.setdefault("held", 2)

    def take(key: str) -> None:
        if driven.is_said("penalty", key):
            state["held"] = state[key]

    st.button("Elsewhere", on_click=lambda: state.update(held=8))
    key = driven.key("penalty", state["held"])
    st.slider("Penalty", 1, 16, key=key, on_change=take, args=(key,))


def shown(app: AppTest) -> tuple[int, int]:
    return app.slider[0].value, app.session_state["held"]


def test_the_widget_shows_what_the_session_holds_and_changes_it() -> None:
    app = AppTest.from_function(page).run()
    assert shown(app) == (2, 2)
    app.slider[0].set_value(4).run()
    assert shown(app) == (4, 4)
    app.button[0].click().run()
    assert shown(app) == (8, 8)
    app.slider[0].set_value(3).run()
    assert shown(app) == (3, 3)


def test_a_value_of_before_that_the_browser_repeats_changes_nothing() -> None:
    app = AppTest.from_function(page).run()
    app.slider[0].set_value(4).run()
    old = app._tree.get_widget_states()  # what a pass sends that was asked for before the browser got the change
    app.button[0].click().run()
    app._run(old)
    assert shown(app) == (8, 8)
    app._run(old)
    assert shown(app) == (8, 8)


def test_a_value_that_was_refused_is_taken_back_from_the_widget() -> None:
    def refusing() -> None:
        import streamlit as st

        from avexplore.ui.settings import driven

        key = driven.key("penalty", 2)
        st.slider("Penalty", 1, 16, key=key, on_change=driven.is_said, args=("penalty", key))

    app = AppTest.from_function(refusing).run()
    app.slider[0].set_value(4).run()
    assert app.slider[0].value == 2

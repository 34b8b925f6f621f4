from cms.csp import allowed_hashes


def test_a_known_initialiser_with_json_is_allowed():
    assert len(allowed_hashes('<script>\ninitDateChooser("id_from", {"format": "Y-m-d"});\n</script>')) == 1


def test_anything_else_is_not():
    assert allowed_hashes('<script>alert(1)</script><script>initDateChooser("id", {}); alert(1);</script>') == []


def test_an_argument_that_is_code_is_not():
    assert allowed_hashes('<script>initDateChooser("id", (function(){ return {} })());</script>') == []
